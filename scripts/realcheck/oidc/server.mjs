// An OAuth server that none of us wrote, `oidc-provider`, as strict as it can be made: it only gets its clients here.
// Tells on its output, a line of JSON each, where it is and what its endpoints of tokens and revocations were asked.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const { CALLBACK, SECRET } = process.env;
const HOUR = 3600;

function client(client_id, more = {}) {
  return {
    client_id,
    client_secret: SECRET,
    redirect_uris: [CALLBACK],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: "client_secret_basic",
    ...more,
  };
}

function tell(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

const configuration = {
  clients: [
    client("steady"), // its access tokens last for an hour
    client("brief"), // they end after five seconds
    client("hasty"), // its codes end after one second
    client("elsewhere", { redirect_uris: ["http://127.0.0.1:9/callback"] }),
    client("machine", {
      redirect_uris: [],
      response_types: [],
      grant_types: ["client_credentials"],
      token_endpoint_auth_method: "client_secret_post",
    }),
  ],
  scopes: ["openid", "offline_access"],
  pkce: { required: () => true },
  rotateRefreshToken: true, // one that comes a second time ends the whole grant: the library's own rule
  ttl: {
    AccessToken: (_ctx, _token, { clientId }) => (clientId === "brief" ? 5 : HOUR),
    AuthorizationCode: (_ctx, _code, { clientId }) => (clientId === "hasty" ? 1 : 60),
    ClientCredentials: () => 5,
    Grant: HOUR,
    IdToken: HOUR,
    Interaction: HOUR,
    RefreshToken: HOUR,
    Session: HOUR,
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true }, // the library's own pages of signing in and agreeing
    revocation: { enabled: true },
  },
};

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(url, configuration);
  provider.use(async (ctx, next) => {
    await next();
    const asked = ctx.oidc?.route;
    if (asked !== "token" && asked !== "revocation") return;
    const { grant_type: grant, code_verifier: verifier } = ctx.oidc.params ?? {};
    const { clientId } = ctx.oidc.client ?? {};
    tell({ asked, grant, pkce: Boolean(verifier), client: clientId, status: ctx.status, error: ctx.body?.error });
  });
  provider.on("grant.revoked", () => tell({ revoked: true }));
  provider.on("server_error", (_ctx, error) => tell({ fault: error.stack }));
  server.on("request", provider.callback());
  tell({ url });
});
process.on("SIGTERM", () => process.exit(0));
