// A provider of OpenID Connect for the tests that sign in at a real one: `node provider.mjs TOOLS REDIRECT [pages]`. It
// says its address on a line and lets in ada, whoever asks; when it is told to ask anew, with a second factor. With
// `pages` it asks people instead, who they are and whether they agree. It ends with its standard input.
import http from "node:http";
import { pathToFileURL } from "node:url";

const [, , tools, redirect, asks] = process.argv;
const place = pathToFileURL(`${tools}/node_modules/oidc-provider/lib/index.js`);
const { default: Provider } = await import(place);

const server = http.createServer();
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "towpath",
      client_secret: "hush of the provider, forty letters long",
      redirect_uris: [redirect],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  pkce: { required: () => true, methods: ["S256"] },
  scopes: ["openid", "email", "groups"],
  claims: { openid: ["sub", "amr", "auth_time"], email: ["email", "email_verified"], groups: ["groups"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["of a test"] },
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  async findAccount(_, id) {
    const claims = { sub: id, email: `${id}@example.org`, email_verified: true, groups: ["towpath"] };
    return { accountId: id, claims: async () => claims };
  },
});
const answer = provider.callback();

/// What somebody sent by a form.
async function sent(request) {
  let text = "";
  for await (const part of request) text += part;
  return new URLSearchParams(text);
}

/// Who somebody is, or whether they agree.
function ask(response, isLogin) {
  const field = isLogin ? '<label>Account <input name="account" autocomplete="off"></label>' : "<p>Towpath asks who you are.</p>";
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(`<!doctype html><html lang="en"><title>Example</title><main><h1>${isLogin ? "Sign in" : "Agree"}</h1>
    <form method="post">${field}<button>Go on</button></form></main></html>`);
}

async function interact(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  const isLogin = prompt.name === "login";
  if (asks === "pages" && request.method === "GET") return ask(response, isLogin);
  const form = asks === "pages" ? await sent(request) : new URLSearchParams();
  if (isLogin) {
    const anew = String(params.prompt ?? "").includes("login");
    const login = { accountId: form.get("account") || "ada", amr: anew ? ["pwd", "mfa"] : ["pwd"] };
    return provider.interactionFinished(request, response, { login });
  }
  const existing = grantId && (await provider.Grant.find(grantId));
  const grant = existing || new provider.Grant({ accountId: session.accountId, clientId: "towpath" });
  grant.addOIDCScope("openid email groups");
  grant.addOIDCClaims(prompt.details.missingOIDCClaims ?? []);
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}

server.on("request", (request, response) => {
  if (!request.url.startsWith("/interaction/")) return answer(request, response);
  interact(request, response).catch((error) => {
    response.statusCode = 500;
    response.end(String(error));
  });
});
process.stdin.on("end", () => process.exit(0)).resume();
console.log(issuer);
