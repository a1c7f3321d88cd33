import express, { type Request, type RequestHandler, type Response, Router } from "express";
import { z } from "zod";
import { methodGuard } from "#dashboards/server/guards";
import { parseInput } from "#dashboards/server/input";
import type { Access, AccessNeeded, Identity } from "#dashboards/server/people/access";
import { notFoundHandler, ProblemError } from "#dashboards/server/problems";

export type Method = "get" | "post" | "put" | "patch" | "delete";

export interface Call<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly who: Identity;
  readonly request: Request;
  readonly response: Response;
}

/** What one address takes and gives. The schemas check the requests, and the OpenAPI document is made of them. */
export interface EndpointSpec<Params = unknown, Query = unknown, Body = unknown> {
  readonly method: Method;
  /** Below /api/v1, parameters as `:name`. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly access: AccessNeeded;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  /** null: no content. */
  readonly answer: z.ZodType | null;
  /** 200 unless set; 204 where there is no content. */
  readonly status?: 200 | 201;
  /** Refusals of its own, beside those that every address has. */
  readonly refusals?: Readonly<Record<number, string>>;
  /** The handler answers by itself: `text/event-stream`. */
  readonly isStream?: boolean;
}

export interface Endpoint {
  readonly spec: EndpointSpec;
  readonly run: (request: Request, response: Response, who: Identity) => Promise<unknown>;
}

const nothing = z.strictObject({});

export const endpoint = <Params = Record<string, never>, Query = Record<string, never>, Body = undefined>(
  spec: EndpointSpec<Params, Query, Body>,
  handle: (call: Call<Params, Query, Body>) => unknown,
): Endpoint => ({
  spec: spec as EndpointSpec,
  run: async (request, response, who) => {
    const params = parseInput<unknown>(spec.params ?? nothing, request.params, request.path) as Params;
    const query = parseInput<unknown>(spec.query ?? nothing, request.query, request.path) as Query;
    const body = (spec.body === undefined ? undefined : parseInput(spec.body, request.body, "body")) as Body;
    return handle({ params, query, body, who, request, response });
  },
});

/** NaN and ±Infinity have no JSON form and would show as null by accident; here they become null by rule. */
const finiteOrNull = (_key: string, value: unknown): unknown => (typeof value === "number" && !Number.isFinite(value) ? null : value);

export const sendJson = (response: Response, status: number, body: unknown): void => {
  response.status(status).set("Cache-Control", "no-store").type("application/json").send(JSON.stringify(body, finiteOrNull));
};

const readJson = express.json({ limit: "16kb", type: "application/json", strict: true });

const readBody = async (request: Request, response: Response): Promise<void> => {
  // Forms of other sites' pages can send text and form data, but not JSON.
  if (!request.is("application/json"))
    throw new ProblemError(415, "The request has no JSON body.", "Content-Type header", "Send application/json.");
  await new Promise<void>((resolve, reject) =>
    readJson(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error))),
  );
};

const handlerOf =
  ({ spec, run }: Endpoint, access: Access): RequestHandler =>
  async (request, response) => {
    const isChange = spec.method !== "get";
    let who: Identity;
    try {
      who = access.identify(request);
      access.demand(who, spec.access);
      if (isChange) access.demandCsrfToken(request, who);
    } catch (error) {
      // Without this Node would go on reading the refused body for as long as the sender likes.
      if (isChange) response.set("Connection", "close");
      throw error;
    }
    if (spec.body !== undefined) await readBody(request, response);
    const answer = await run(request, response, who);
    if (spec.isStream === true) return;
    if (spec.answer === null) response.status(204).set("Cache-Control", "no-store").end();
    else sendJson(response, spec.status ?? 200, answer);
  };

/** All of /api/v1: who asks is found out and judged before anything else of a request is looked at. */
export const createApi = (endpoints: readonly Endpoint[], access: Access): Router => {
  const api = Router({ caseSensitive: true, strict: false });
  const methodsOf = new Map<string, Set<string>>();
  for (const { spec } of endpoints) {
    const methods = methodsOf.get(spec.path) ?? new Set();
    for (const method of spec.method === "get" ? ["GET", "HEAD"] : [spec.method.toUpperCase()]) methods.add(method);
    methodsOf.set(spec.path, methods);
  }
  // Before the session is looked for: what no address takes costs nothing.
  for (const [path, methods] of methodsOf) api.all(path, methodGuard([...methods]));
  api.use(access.middleware);
  for (const one of endpoints) api[one.spec.method](one.spec.path, handlerOf(one, access));
  api.use(notFoundHandler);
  return api;
};
