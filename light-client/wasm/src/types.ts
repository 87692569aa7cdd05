/** A request for the host to send: POST as `application/octet-stream`. */
export interface LightRequest {
  id: number;
  /** The server, by its place in the list. */
  server: number;
  method: "GET" | "POST";
  url: string;
  body?: Uint8Array;
  timeoutMs: number;
  /** Stop reading the answer there. */
  maxBytes: number;
}

/** Why there is no answer. */
export type LightFailure = "unreachable" | "timeout" | "too_long";

/** Something changed that is worth showing and storing. */
export type LightEvent =
  | { kind: "final"; height: number }
  | { kind: "account"; address: string }
  | { kind: "payment"; id: string }
  | { kind: "server"; server: number }
  | { kind: "fork" };

/** A final block. */
export interface LightBlock {
  id: string;
  height: number;
  timeMs: number;
}

/**
 * `stale`: no newer block could be proven. `expired`: a person has to confirm a newer checkpoint. `agreed`: as new as can be,
 * but only two operators vouch for it, so nothing is final. `forked`: two final blocks exclude each other, and a person has
 * to say which chain it is.
 */
export interface LightSync {
  state: "connecting" | "verified" | "agreed" | "stale" | "other_chain" | "lying" | "expired" | "forked";
  /** Which one serves another chain, or lied. */
  server?: number;
  /** The hosts of the two who agree. */
  operators?: [string, string];
  /** The servers that prove blocks which exclude each other. */
  branches?: [string, string];
  /** The newest final block that is proven. */
  block: LightBlock;
  /** Signatures under it, of so many that could have signed. */
  signatures?: number;
  signers?: number;
  /** When something was last proven here. */
  provenMs?: number;
}

export interface LightServer {
  url: string;
  health: "unknown" | "good" | "unreachable" | "other_chain" | "lying";
  /** Not asked before. */
  retryMs?: number;
  /** The chain that it says it serves. */
  found?: string;
  /** What it said that cannot be true. */
  lie?: string;
  /** The newest final height that it proved. */
  height?: number;
}

export interface LightAccount {
  address: string;
  trust: "unknown" | "verified" | "agreed" | "stale" | "expired";
  /** What it holds at a final block; missing while nothing is proven, which is not 0. */
  proven?: {
    /** Whether the chain has a record of it; without one it holds nothing and never signed. */
    exists: boolean;
    balance: bigint;
    leasedOut: bigint;
    leasedIn: bigint;
    nonce: number;
    historyCount: number;
    block: LightBlock;
    provenMs: number;
    proofBytes: number;
    proofSteps: number;
    server: number;
  };
  /** Newest first, proven, without a gap. */
  history: LightRecord[];
  historyComplete: boolean;
}

/** One change of one asset of an account. */
export interface LightRecord {
  index: number;
  height: number;
  timeMs: number;
  /** The transaction's id; zeros if it came of none. */
  id: string;
  kind:
    | "genesis" | "sent" | "received" | "fee" | "leased" | "lease_cancelled" | "interest" | "commission" | "minted"
    | "contend_fee";
  asset: "coin" | "leased_out" | "leased_in";
  delta: bigint;
  /** The transaction, if it was sent along. */
  transaction?: LightTransaction;
}

/** What was signed. */
export interface LightTransaction {
  sender: string;
  nonce: number;
  fee: bigint;
  /** The last height that may include it. */
  validUntil: number;
  transfers: { to: string; amount: bigint }[];
  /** Calls that are no transfers. */
  otherCalls: number;
  /** Anybody's words: show them as text that cannot pretend to be something else. */
  memo: Uint8Array;
}

/** Only `in_block`, `final`, `expired` and `replaced` are proven; the others are what servers say. */
export interface LightPayment {
  id: string;
  transaction: LightTransaction;
  state: "signed" | "submitted" | "refused" | "in_block" | "final" | "expired" | "replaced";
  /** Nothing can happen to it any more. */
  settled: boolean;
  sinceMs: number;
  /** When a server first took it. */
  takenMs?: number;
  /** Of a refusal: the server's code and words. */
  code?: string;
  words?: string;
  height?: number;
  timeMs?: number;
  /** Of a final one: whether its calls happened. */
  succeeded?: boolean;
}

/** A payment in a final block, proven without a server. */
export interface LightReceipt {
  id: string;
  transaction: LightTransaction;
  succeeded: boolean;
  /** `success`, or why nothing happened. */
  status: string;
  fee: bigint;
  block: LightBlock;
  /** `expired`: the block that the proof starts from is older than the chain trusts one for. */
  trust: "verified" | "expired";
  /** The block that the proof starts from. */
  from: LightBlock;
}

/** What every refused call throws. */
export interface LightClientError extends Error {
  name: "LightClientError";
  code: string;
  neededBlock?: string;
  neededHeight?: number;
}
