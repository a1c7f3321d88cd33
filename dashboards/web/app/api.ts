import type { Problem } from "#dashboards/server/wire";
import { t } from "#dashboards/web/app/i18n";

/** What the server refused, in its own words. */
export class RequestFailed extends Error {
  readonly problem: Problem;
  /** 0 where no answer came. */
  readonly status: number;
  constructor(problem: Problem, status = 0) {
    super(problem.error);
    this.problem = problem;
    this.status = status;
  }
}

const timeoutMs = 15_000;

const isProblem = (value: unknown): value is Problem =>
  typeof value === "object" && value !== null && typeof (value as { error?: unknown }).error === "string";

const ask = async (path: string, init: RequestInit, signal: AbortSignal, limitMs = timeoutMs): Promise<Response> => {
  try {
    return await fetch(`api/v1/${path}`, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]) });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new RequestFailed({ error: t("api.silent"), where: "this browser", todo: t("api.silentTodo") });
  }
};

const answerOf = async <T>(response: Response, path: string): Promise<T> => {
  if (response.status === 204) return undefined as T;
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && body !== null) return body as T;
  throw new RequestFailed(
    isProblem(body) ? body : { error: t("api.status", { status: response.status }), where: path, todo: t("api.statusTodo") },
    response.status,
  );
};

/** GET under /api/v1. Rejects with `RequestFailed`, whose problem can be shown as it is. */
export const getJson = async <T>(path: string, signal: AbortSignal, limitMs = timeoutMs): Promise<T> =>
  answerOf(await ask(path, { headers: { Accept: "application/json" } }, signal, limitMs), path);

/** A change under /api/v1; resolves once the server has confirmed it. */
export const sendJson = async <T>(method: string, path: string, csrfToken: string | null, body?: unknown): Promise<T> =>
  answerOf(
    await ask(
      path,
      {
        method,
        headers: {
          Accept: "application/json",
          ...(csrfToken === null ? {} : { "X-CSRF-Token": csrfToken }),
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      new AbortController().signal,
    ),
    path,
  );
