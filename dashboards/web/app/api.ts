import type { Problem } from "#dashboards/server/wire";

/** What the server refused, in its own words. */
export class RequestFailed extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.error);
    this.problem = problem;
  }
}

const timeoutMs = 15_000;

const isProblem = (value: unknown): value is Problem =>
  typeof value === "object" && value !== null && typeof (value as { error?: unknown }).error === "string";

/** GET under /api/v1. Rejects with `RequestFailed`, whose problem can be shown as it is. */
export const getJson = async <T>(path: string, signal: AbortSignal): Promise<T> => {
  let response: Response;
  try {
    response = await fetch(`api/v1/${path}`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headers: { Accept: "application/json" },
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new RequestFailed({
      error: "The dashboard's server does not answer.",
      where: "this browser",
      todo: "Check that isotherm is running and that this computer reaches it.",
    });
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && body !== null) return body as T;
  throw new RequestFailed(
    isProblem(body) ? body : { error: `The server answered ${response.status}.`, where: path, todo: "Try again in a moment." },
  );
};
