import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type RequestHandler, Router } from "express";

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>isotherm: HTTP interface</title>
    <link rel="icon" href="../favicon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="docs/swagger-ui.css" />
    <script src="docs/swagger-ui-bundle.js" defer></script>
    <script src="docs/start.js" defer></script>
  </head>
  <body>
    <div id="swagger"></div>
    <noscript>This page needs JavaScript. The document itself is <a href="openapi.json">openapi.json</a>.</noscript>
  </body>
</html>
`;

/** A file of its own: the content security policy allows no script in the page. Changes that are tried out carry the session's CSRF token. */
const start = `SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger",
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: async (request) => {
    if (["GET", "HEAD"].includes((request.method ?? "GET").toUpperCase()) || request.headers?.Authorization !== undefined) return request;
    const session = await fetch("v1/session").then((answer) => answer.json());
    if (session.csrfToken !== null) request.headers["X-CSRF-Token"] = session.csrfToken;
    return request;
  },
});
`;

const files = ["swagger-ui.css", "swagger-ui-bundle.js"] as const;

/** `/api/openapi.json` and `/api/docs`: nothing from elsewhere, nothing inline. */
export const createApiDocs = (document: object): Router => {
  const folder = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  const docs = Router({ caseSensitive: true, strict: true });
  const send =
    (type: string, text: string): RequestHandler =>
    (_request, response) => {
      response.set("Cache-Control", "no-cache").type(type).send(text);
    };
  docs.get("/openapi.json", send("application/json", JSON.stringify(document)));
  docs.get("/docs", send("text/html", page));
  docs.get("/docs/", (_request, response) => response.redirect(308, "../docs"));
  docs.get("/docs/start.js", send("text/javascript", start));
  for (const name of files)
    docs.get(`/docs/${name}`, (_request, response, next) =>
      response.sendFile(join(folder, name), { dotfiles: "allow", maxAge: 3_600_000 }, (error?: Error) =>
        error === undefined ? undefined : next(error),
      ),
    );
  return docs;
};
