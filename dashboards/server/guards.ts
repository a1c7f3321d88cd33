import { isIP } from "node:net";
import { hostname as machineName } from "node:os";
import type { RequestHandler } from "express";
import { ProblemError } from "#dashboards/server/problems";

const loopbackNames: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

export const isLoopback = (host: string): boolean => loopbackNames.has(host);

/** The name in `name`, `name:port`, `[::1]` or `[::1]:port`, lower case; null where it is none of these. */
export const hostNameOf = (authority: string): string | null => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([a-zA-Z0-9._-]+))(?::\d{1,5})?$/.exec(authority);
  if (match === null) return null;
  const name = (match[1] ?? match[2] ?? "").toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
};

/**
 * Which names this dashboard answers to. A page on a foreign name that was pointed at this machine (DNS rebinding) sends that name as Host, so unknown names are refused.
 * Bound to loopback: only loopback names. Bound wider: also addresses (an address cannot be rebound), this machine's own name, and `allowedHosts`.
 */
export const createHostRule = (boundHost: string, allowedHosts: readonly string[]): ((name: string) => boolean) => {
  const named = new Set([...loopbackNames, ...allowedHosts.map((host) => host.toLowerCase())]);
  if (isLoopback(boundHost)) return (name) => named.has(name);
  const own = machineName().toLowerCase();
  for (const name of [boundHost.toLowerCase(), own, `${own}.local`]) named.add(name);
  return (name) => named.has(name) || isIP(name) !== 0;
};

/** Refuses foreign Host and Origin headers and requests that another site's page makes. */
export const hostAndOriginGuard = (isOwnHost: (name: string) => boolean): RequestHandler => {
  return (request, _response, next) => {
    const hostHeader = request.headers.host ?? "";
    const host = hostNameOf(hostHeader);
    if (host === null || !isOwnHost(host)) {
      next(
        new ProblemError(
          403,
          "This dashboard does not answer to that host name.",
          "Host header",
          "Use the address the daemon printed, or add the name to the dashboard's allowed hosts.",
        ),
      );
      return;
    }
    const origin = request.headers.origin;
    if (origin !== undefined && originAuthority(origin) !== hostHeader.toLowerCase()) {
      next(new ProblemError(403, "Requests from other sites are refused.", "Origin header", "Open the dashboard itself."));
      return;
    }
    if (request.headers["sec-fetch-site"] === "cross-site" && request.headers["sec-fetch-mode"] !== "navigate") {
      next(new ProblemError(403, "Requests from other sites are refused.", "Sec-Fetch-Site header", "Open the dashboard itself."));
      return;
    }
    next();
  };
};

const originAuthority = (origin: string): string | null => {
  try {
    const url = new URL(origin);
    return url.protocol === "http:" || url.protocol === "https:" ? url.host.toLowerCase() : null;
  } catch {
    return null;
  }
};

/** Refuses (405) every other method before a body is looked at. */
export const methodGuard =
  (allowed: readonly string[]): RequestHandler =>
  (request, response, next) => {
    if (allowed.includes(request.method)) {
      next();
      return;
    }
    const allow = allowed.join(", ");
    // Without this Node would go on reading the refused body for as long as the sender likes.
    response.set("Connection", "close");
    response.set("Allow", allow);
    next(new ProblemError(405, "That method is not for this address.", request.method.slice(0, 16), `Use ${allow}.`));
  };
