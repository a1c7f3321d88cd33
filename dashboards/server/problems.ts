import { randomUUID } from "node:crypto";
import type { ErrorRequestHandler, RequestHandler } from "express";
import type { z } from "zod";
import type { Problem } from "#dashboards/server/wire";
import { IsothermError } from "#domain/errors";

/** What pino offers, as far as the dashboard needs it. */
export interface DashboardLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A request that is answered with a problem document: status code, what was wrong, where, what to do. */
export class ProblemError extends Error {
  readonly status: number;
  readonly problem: Problem;
  /** Sent as Retry-After. */
  readonly retryAfterS: number | null;
  constructor(status: number, error: string, where: string, todo: string, retryAfterS: number | null = null) {
    super(error);
    this.status = status;
    this.retryAfterS = retryAfterS;
    this.problem = { error, where, todo };
  }
}

/** Turns the findings of a schema into one 400 that lists them all. */
export const invalidInput = (where: string, error: z.ZodError): ProblemError => {
  const findings = error.issues.map((issue) => (issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`));
  const fields = [...new Set(error.issues.map((issue) => issue.path.join(".")).filter((path) => path !== ""))];
  return new ProblemError(
    400,
    findings.join("; "),
    fields.length === 0 ? where : `${where} (${fields.join(", ")})`,
    "Correct the request; docs/api.md lists what each parameter takes.",
  );
};

export const notFoundHandler: RequestHandler = (request, _response, next) => {
  next(
    new ProblemError(
      404,
      "There is nothing at this address.",
      request.path,
      "Start from / for the pages, or from /api/v1/site for the data.",
    ),
  );
};

const statusOf = (error: unknown): number | null => {
  if (typeof error !== "object" || error === null) return null;
  const status = (error as { status?: unknown }).status;
  return typeof status === "number" && status >= 400 && status < 500 ? status : null;
};

/** Answers every error with a problem document. What only the log may know (stack, cause, paths) stays in the log, under an id that the answer names. */
export const errorHandler =
  (log: DashboardLog): ErrorRequestHandler =>
  (error: unknown, request, response, next) => {
    if (response.headersSent) {
      log.error({ err: error, path: request.path }, "dashboard answer broke off");
      next(error);
      return;
    }
    response.set("Cache-Control", "no-store");
    if (error instanceof ProblemError) {
      if (error.retryAfterS !== null) response.set("Retry-After", String(error.retryAfterS));
      response.status(error.status).json(error.problem);
      return;
    }
    const status = statusOf(error);
    if (status !== null) {
      const problem: Problem = {
        error: "The request could not be read.",
        where: request.path.slice(0, 200),
        todo: "Check the address and the headers.",
      };
      response.status(status).json(problem);
      return;
    }
    if (error instanceof IsothermError && error.kind === "retryable") {
      log.warn({ err: error, path: request.path }, "dashboard could not read");
      const problem: Problem = {
        error: error.message,
        where: request.path,
        todo: error.todo === "" ? "Try again in a moment." : error.todo,
      };
      response.status(503).set("Retry-After", "5").json(problem);
      return;
    }
    const id = randomUUID();
    log.error({ err: error, path: request.path, id }, "dashboard request failed");
    const problem: Problem = {
      error: "The dashboard failed to answer this request.",
      where: request.path.slice(0, 200),
      todo: `Look for ${id} in the daemon's log.`,
    };
    response.status(500).json(problem);
  };
