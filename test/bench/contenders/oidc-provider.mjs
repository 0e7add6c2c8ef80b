/* oidc-provider with its in-memory store: client_credentials and introspection of opaque tokens, as it is installed. */
import { Provider } from "oidc-provider";

import { sayReady } from "./hono-app.mjs";

const [, , port, , secret = ""] = process.argv;
for (const method of ["info", "warn"]) console[method] = () => {}; // its notices for newcomers
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "bench",
      client_secret: secret,
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
    },
  ],
  scopes: ["read"],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
  },
  ttl: { ClientCredentials: 86_400 },
});
provider.listen(Number(port), "127.0.0.1", sayReady);
