// One door to the server: the bearer token, the errors in the server's own words, and whether it can be reached.

import { signal } from "@preact/signals";
import { forgetToken, token } from "./token";
import type { Refusal } from "./types";

/** What the server refused, or that it could not be asked. */
export class ApiError extends Error {
  constructor(
    readonly refusal: Refusal,
    /** The HTTP status; 0 when there was no answer. */
    readonly status: number,
    /** What the answer says beside the refusal. */
    readonly beside: object = {},
  ) {
    super(refusal.message);
  }
}

/** The code of the refusal when there was no answer at all. */
export const UNREACHABLE = "studio_unreachable";

/** False from the first request that got no answer until one gets through again. */
export const reachable = signal(true);

const STATUS_WORDS: Record<number, string> = {
  401: "this page's session is over",
  403: "the studio refused a request that did not come from its own page",
  408: "the request took too long to arrive",
  413: "the request is too large",
  421: "the studio does not answer under this address",
};

function bare(status: number): Refusal {
  return {
    code: `http_${status}`,
    message: STATUS_WORDS[status] ?? `the studio answered with status ${status}`,
    why: null,
    fix: null,
    retryable: false,
  };
}

async function refused(response: Response): Promise<ApiError> {
  const { status } = response;
  try {
    const { error, ...beside } = (await response.json()) as { error?: Refusal };
    if (error) return new ApiError(error, status, beside);
  } catch {
    // The guard refuses without a body.
  }
  return new ApiError(bare(status), status);
}

/** A request whose body the caller reads. Throws `ApiError`, or `AbortError` when `signal` stops it. */
export async function send(method: "GET" | "POST", path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = {};
  if (token.value) headers["Authorization"] = `Bearer ${token.value}`;
  const init: RequestInit = { method, headers, cache: "no-store", credentials: "omit", redirect: "error" };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  if (signal) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (isAbort(error)) throw error;
    reachable.value = false;
    throw new ApiError({ ...bare(0), code: UNREACHABLE, message: "the studio does not answer", retryable: true }, 0);
  }
  reachable.value = true;
  if (response.ok) return response;
  if (response.status === 401) forgetToken();
  throw await refused(response);
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await send("GET", path, undefined, signal)).json() as Promise<T>;
}

export async function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const response = await send("POST", path, body, signal);
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (isAbort(error)) throw error;
    // The connection ended inside of the answer.
    throw new ApiError({ ...bare(0), code: UNREACHABLE, message: "the answer broke off", retryable: true }, 0);
  }
}
