// A builder's page with the components of the library. The address says which: ?show=install|connect|headless, for
// which customer (&group=), and with which credential (&auth=key|jwt).
import { AmpersandProvider, ConnectProvider, InstallIntegration, InstallationProvider } from "@amp-labs/react";
import "@amp-labs/react/styles";
import { createRoot } from "react-dom/client";

import { Headless } from "./headless.jsx";

const asked = Object.fromEntries(new URLSearchParams(location.search));
const settings = await (await fetch("/settings.json")).json();

async function getToken({ consumerRef, groupRef }) {
  return (await fetch(`/token?${new URLSearchParams({ consumerRef, groupRef })}`)).text();
}

// What the library calls back, a line of JSON each, for the check to read.
function told(event) {
  return (...values) => {
    document.getElementById("told").append(`${JSON.stringify({ event, values })}\n`);
  };
}

const statuses = ["Fresh", "Warm", "Busy", "Done"]; // as many as the field has values
const fieldMapping = {
  contacts: [
    {
      mapToName: "lead",
      mapToDisplayName: "Lead",
      fieldName: "hs_lead_status",
      mappedValues: statuses.map((name) => ({ mappedValue: name.toLowerCase(), mappedDisplayValue: `Lead: ${name}` })),
    },
    { mapToName: "nickname", mapToDisplayName: "Nickname" },
  ],
};

const customer = { consumerRef: "ada", consumerName: "Ada", groupRef: asked.group, groupName: `The ${asked.group}` };
const shown = {
  install: () => (
    <InstallIntegration
      integration={asked.integration ?? "crm"}
      {...customer}
      fieldMapping={asked.dynamic ? fieldMapping : undefined}
      onInstallSuccess={told("installed")}
      onUpdateSuccess={told("updated")}
      onUninstallSuccess={told("uninstalled")}
    />
  ),
  connect: () => (
    <ConnectProvider
      provider={asked.provider}
      {...customer}
      onConnectSuccess={told("connected")}
      onDisconnectSuccess={told("disconnected")}
    />
  ),
  headless: () => (
    <InstallationProvider integration="crm" {...customer}>
      <Headless told={told} />
    </InstallationProvider>
  ),
}[asked.show];

const credential = asked.auth === "jwt" ? { getToken } : { apiKey: settings.apiKey };
createRoot(document.getElementById("root")).render(
  <AmpersandProvider options={{ project: settings.project, ...credential }}>{shown()}</AmpersandProvider>,
);
