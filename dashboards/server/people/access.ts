import { randomBytes, timingSafeEqual } from "node:crypto";
import type { Request, RequestHandler } from "express";
import session from "express-session";
import { hostNameOf, isLoopback } from "#dashboards/server/guards";
import type { People } from "#dashboards/server/people/people";
import { SessionShelf, sessionLimits } from "#dashboards/server/people/sessionShelf";
import { ProblemError } from "#dashboards/server/problems";
import { hasRole, type Role, type UserRecord } from "#domain/people";

/** Who asks. local: this machine, nobody logged in; nobody: from elsewhere, not logged in. */
export interface Identity {
  readonly kind: "user" | "token" | "local" | "nobody";
  /** As the audit log names them. */
  readonly name: string;
  readonly role: Role | null;
  readonly userId: string | null;
}

/** open: anybody, also to log in; the others: at least that role. */
export type AccessNeeded = "open" | Role;

const isLoopbackAddress = (address: string | undefined): boolean =>
  address !== undefined && (/^127\./.test(address) || address === "::1" || /^::ffff:127\./.test(address));

export interface AccessOptions {
  readonly people: People;
  /** Address the dashboard listens on. */
  readonly host: string;
  readonly siteId: string;
}

/** Tells who asks and whether they may. Nothing that cannot be told for certain is taken for allowed. */
export class Access {
  private readonly options: AccessOptions;
  private readonly sessionOf: RequestHandler;
  // One each: express-session makes a store its own.
  private readonly shelves = { plain: new SessionShelf(), encrypted: new SessionShelf() };

  constructor(options: AccessOptions) {
    this.options = options;
    const secret = randomBytes(32).toString("base64url");
    const name = `isotherm-${options.siteId.replace(/[^a-zA-Z0-9_-]/g, "")}`;
    const sessions = (secure: boolean): RequestHandler =>
      session({
        // Browsers hold __Host- cookies to what they promise: encrypted, this host only, every path.
        name: secure ? `__Host-${name}` : name,
        secret,
        store: secure ? this.shelves.encrypted : this.shelves.plain,
        resave: false,
        rolling: true,
        saveUninitialized: false,
        cookie: { httpOnly: true, sameSite: "strict", path: "/", secure, maxAge: sessionLimits.idleMs },
      });
    const plain = sessions(false);
    const encrypted = sessions(true);
    this.sessionOf = (request, response, next) => void (request.secure ? encrypted : plain)(request, response, next);
  }

  /** Finds the session of a request; begins none. */
  get middleware(): RequestHandler {
    return this.sessionOf;
  }

  /** From this machine and no proxy: the dashboard is bound to it, and the request was addressed to it. */
  isLocal(request: Request): boolean {
    const proxied = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];
    return (
      isLoopback(this.options.host) &&
      isLoopbackAddress(request.socket.remoteAddress) &&
      isLoopback(hostNameOf(request.headers.host ?? "") ?? "") &&
      !proxied.some((header) => request.headers[header] !== undefined)
    );
  }

  /** Passwords only travel encrypted, or not at all. */
  isPrivate(request: Request): boolean {
    return request.secure || this.isLocal(request);
  }

  /** Rejects (401) a token that is none: a script with a wrong token is not quietly somebody else. */
  identify(request: Request): Identity {
    const authorization = request.headers.authorization;
    if (authorization !== undefined) {
      const token = this.options.people.tokenOf(/^Bearer ([\w-]{1,200})$/.exec(authorization)?.[1] ?? "");
      if (token === null)
        throw new ProblemError(401, "That API token is unknown or has expired.", "Authorization header", "Ask an admin for a token.");
      return { kind: "token", name: `token ${token.label}`, role: token.role, userId: null };
    }
    const user = this.sessionUser(request);
    if (user !== null) return { kind: "user", name: user.name, role: user.role, userId: user.id };
    if (this.isLocal(request)) {
      // Whoever sits at the machine sees; as long as nobody was set up they also do what an operator does.
      return { kind: "local", name: "local", role: this.options.people.isEmpty ? "operator" : "viewer", userId: null };
    }
    return { kind: "nobody", name: "nobody", role: null, userId: null };
  }

  /** Throws 401 or 403 where `who` may not. */
  demand(who: Identity, needed: AccessNeeded): void {
    if (needed === "open" || (who.role !== null && hasRole(who.role, needed))) return;
    if (who.kind === "local" || who.kind === "nobody")
      throw this.options.people.isEmpty
        ? new ProblemError(401, "Nobody has been set up yet.", "session", "Set up the first user with the token from the data directory.")
        : new ProblemError(401, "This needs a log-in.", "session", "Log in.");
    throw new ProblemError(403, `This needs the role ${needed}; you are ${who.role}.`, "role", "Ask an admin.");
  }

  /** The same question again, for a connection that stays: false once the session, user or token is gone. */
  isStillAllowed(request: Request, needed: AccessNeeded): boolean {
    try {
      const who = this.identify(request);
      if (who.kind === "user" && !(request.secure ? this.shelves.encrypted : this.shelves.plain).has(request.sessionID)) return false;
      this.demand(who, needed);
      return true;
    } catch {
      return false;
    }
  }

  /** A browser sends its cookie also with what another page made it send; the token only this dashboard's pages know. */
  demandCsrfToken(request: Request, who: Identity): void {
    if (who.kind !== "user") return;
    const expected = Buffer.from(request.session.csrfToken ?? "");
    const given = Buffer.from(request.get("X-CSRF-Token") ?? "");
    if (expected.length === 0 || expected.length !== given.length || !timingSafeEqual(expected, given))
      throw new ProblemError(
        403,
        "The request does not come from this dashboard's own page.",
        "X-CSRF-Token header",
        "Load the page again.",
      );
  }

  /** Begins a session with an id of its own: what was known of an earlier one is worth nothing. */
  async logIn(request: Request, user: UserRecord): Promise<void> {
    await new Promise<void>((resolve, reject) => request.session.regenerate((error) => (error ? reject(error) : resolve())));
    request.session.userId = user.id;
    request.session.generation = user.generation;
    request.session.csrfToken = randomBytes(32).toString("base64url");
    request.session.beganMs = Date.now();
  }

  async logOut(request: Request): Promise<void> {
    await new Promise<void>((resolve, reject) => request.session.destroy((error) => (error ? reject(error) : resolve())));
  }

  private sessionUser(request: Request): UserRecord | null {
    const { userId, generation } = request.session ?? {};
    return userId === undefined || generation === undefined ? null : this.options.people.userOfSession(userId, generation);
  }
}
