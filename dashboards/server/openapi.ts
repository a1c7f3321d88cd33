import { z } from "zod";
import type { Endpoint, EndpointSpec } from "#dashboards/server/endpoint";
import { answers, problemSchema } from "#dashboards/server/schemas";

type Json = Readonly<Record<string, unknown>>;

/** Why any request may be refused, beside what each address says of its own. */
const generalRefusals = (spec: EndpointSpec): Readonly<Record<number, string>> => ({
  400: "A parameter, header or the body is wrong; all findings are listed",
  401: "Nobody is logged in, or the token is unknown or has expired",
  403: "Not with this role, from this site or without the CSRF token",
  ...(spec.body === undefined ? {} : { 413: "The body is longer than 16 kB", 415: "The body is not JSON" }),
  429: "Too many requests from this address",
  500: "A fault of isotherm's own; `todo` names the id under which its log has the cause",
  503: "The store does not answer for the moment",
});

/** Collects the schemas that have an id, so that each stands in the document once. */
class Components {
  readonly schemas: Record<string, unknown> = {};

  /** The schema as a request sends it: an answer's keys may grow in number, so none forbids further ones. */
  of(schema: z.ZodType): Json {
    // Inside an object a schema with an id is a reference, also where it is all there is.
    const whole = z.toJSONSchema(z.object({ it: schema }), {
      io: "input",
      target: "draft-2020-12",
      override: ({ zodSchema, jsonSchema }) => {
        const instead = z.globalRegistry.get(zodSchema)?.openapi;
        if (instead !== undefined) {
          for (const key of Object.keys(jsonSchema)) delete (jsonSchema as Record<string, unknown>)[key];
          Object.assign(jsonSchema, instead);
        }
        delete (jsonSchema as Record<string, unknown>).id;
      },
    });
    const { $defs = {}, properties = {} } = this.moved(whole) as { $defs?: Record<string, unknown>; properties?: Record<string, Json> };
    Object.assign(this.schemas, $defs);
    return properties.it ?? {};
  }

  private moved(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.moved(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        key === "$ref" && typeof inner === "string" ? inner.replace("#/$defs/", "#/components/schemas/") : this.moved(inner),
      ]),
    );
  }
}

const parametersOf = (schema: z.ZodType | undefined, place: "path" | "query", components: Components): Json[] => {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = components.of(schema) as { properties?: Record<string, Json>; required?: readonly string[] };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: property,
  }));
};

const securityOf = ({ access, method }: EndpointSpec): readonly Json[] => {
  const credentials = [{ token: [] }, method === "get" ? { session: [] } : { session: [], csrf: [] }];
  // On the machine itself viewing needs nothing.
  if (access === "open") return [{}];
  return access === "viewer" && method === "get" ? [{}, ...credentials] : credentials;
};

const answerOf = (spec: EndpointSpec, components: Components): Json => {
  if (spec.isStream === true)
    return { 200: { description: "Events as docs/api.md lists them", content: { "text/event-stream": { schema: { type: "string" } } } } };
  if (spec.answer === null) return { 204: { description: "Done" } };
  return { [spec.status ?? 200]: { description: "Done", content: { "application/json": { schema: components.of(spec.answer) } } } };
};

/** OpenAPI 3.1 of everything that the dashboard answers, made of the schemas that check its requests. */
export const openApiDocument = (endpoints: readonly Endpoint[], version: string): Json => {
  const components = new Components();
  const problem = { "application/json": { schema: components.of(problemSchema) } };
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { spec } of endpoints) {
    const path = `/api/v1${spec.path.replace(/:([a-zA-Z]+)/g, "{$1}")}`;
    paths[path] ??= {};
    paths[path][spec.method] = {
      operationId: spec.id,
      summary: spec.summary,
      description: spec.access === "open" ? "Needs nothing." : `Needs the role ${spec.access}.`,
      tags: [spec.path.split("/")[1] ?? ""],
      security: securityOf(spec),
      parameters: [...parametersOf(spec.params, "path", components), ...parametersOf(spec.query, "query", components)],
      ...(spec.body === undefined
        ? {}
        : { requestBody: { required: true, content: { "application/json": { schema: components.of(spec.body) } } } }),
      responses: {
        ...answerOf(spec, components),
        ...Object.fromEntries(
          Object.entries({ ...generalRefusals(spec), ...spec.refusals }).map(([code, description]) => [
            code,
            { description, content: problem },
          ]),
        ),
      },
    };
  }
  const health = { "application/json": { schema: components.of(answers.health) } };
  paths["/healthz"] = {
    get: {
      operationId: "health",
      summary: "Whether the store takes data and the control loop ticks",
      description: "Needs nothing.",
      tags: ["health"],
      security: [{}],
      responses: {
        200: { description: "It does", content: health },
        403: { description: "The Host header is not a name of this dashboard", content: problem },
        503: { description: "It does not", content: health },
      },
    },
  };
  return {
    openapi: "3.1.0",
    info: {
      title: "isotherm",
      version,
      description:
        "Times in keys that end in `Ms` are Unix milliseconds, UTC; the unit of every other number is its key's suffix; `null` is not known. Within /api/v1 keys are added, never renamed or removed.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "An API token that an admin made" },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "isotherm-<site>",
          description: "Set by logging in; over HTTPS its name begins with __Host-",
        },
        csrf: { type: "apiKey", in: "header", name: "X-CSRF-Token", description: "`csrfToken` of /session" },
      },
    },
  };
};
