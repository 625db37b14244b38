// The library's hooks, with a user interface of our own.
import {
  useConnection,
  useCreateInstallation,
  useDeleteInstallation,
  useInstallation,
  useIsIntegrationInstalled,
  useLocalConfig,
  useManifest,
  useUpdateInstallation,
} from "@amp-labs/react";

export function Headless({ told }) {
  const manifest = useManifest();
  const { connection, isPending } = useConnection();
  const { installation } = useInstallation();
  const installed = useIsIntegrationInstalled("crm", "quarry", "ada");
  const config = useLocalConfig();
  const { createInstallation } = useCreateInstallation();
  const { updateInstallation } = useUpdateInstallation();
  const { deleteInstallation } = useDeleteInstallation();
  if (!connection && !isPending) return <h1>Not connected</h1>;
  if (!manifest.isSuccess || !connection || !installed.isLoaded) return <p>Loading</p>;
  const contacts = config.readObject("contacts");
  const failed = { onError: (error) => told("failed")(error.message) };
  const save = (how, event) => how({ config: config.get(), onSuccess: told(event), ...failed });
  return (
    <>
      <h1>{installed.isIntegrationInstalled ? "Installed" : "Not installed"}</h1>
      <ul>
        {manifest.getReadObjects().map((object) => (
          <li key={object.objectName}>{object.objectName}</li>
        ))}
      </ul>
      <p id="fields">{Object.keys(manifest.getCustomerFieldsForObject("contacts").allFields).join(" ")}</p>
      <button onClick={() => contacts.setSelectedField({ fieldName: "phone", selected: true })}>Choose phone</button>
      <button onClick={() => contacts.setFieldMapping({ fieldName: "jobtitle", mapToName: "role" })}>Map role</button>
      <button onClick={() => contacts.setDisableRead()}>Stop</button>
      <button onClick={() => config.writeObject("contacts").setEnableWrite()}>Let write</button>
      <pre id="draft">{JSON.stringify(config.get())}</pre>
      {installation ? (
        <>
          <button onClick={() => save(updateInstallation, "updated")}>Update</button>
          <button onClick={() => deleteInstallation({ onSuccess: told("uninstalled"), ...failed })}>Delete</button>
        </>
      ) : (
        <button onClick={() => save(createInstallation, "installed")}>Create</button>
      )}
    </>
  );
}
