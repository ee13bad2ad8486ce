/* limits.h: every bound and every constant of the protocol, each with its reason and source.
 *
 * "TIM n" is PROTOCOL 8, table n. A bound belongs to an endpoint, never to a shard. */
#ifndef SWARMBED_LIMITS_H
#define SWARMBED_LIMITS_H

#include <assert.h>
#include <stdint.h>

/* outside bytes */
#define LIMIT_BODY_BYTES (10 * 1024 * 1024)  /* of a request or an answer: TIM 1; 413 above */
#define LIMIT_JSON_DEPTH 32                  /* deepest text of the protocol: 4; ifelse nests deeper */
#define LIMIT_JSON_VALUES 400000             /* a node list of 20,000 nodes with all fields */
#define LIMIT_BENCODE_DEPTH 8                /* of a value that is skipped; deepest of the protocol: 3 */
#define LIMIT_PATH_BYTES 256                 /* of an HTTP path */

/* storage node (TIM 1) */
#define LIMIT_DATA_CHARS 102400              /* base64 text of one message */
#define LIMIT_TTL_MS_MIN 10000
#define LIMIT_TTL_MS_MAX 345600000           /* 4 days */
#define LIMIT_FUTURE_MS 10000                /* how far ahead of our clock a timestamp may be */
#define LIMIT_RETRIEVE_MESSAGES 10           /* per answer */
#define LIMIT_LONG_POLL_MS 20000             /* a direct request */
#define LIMIT_LONG_POLL_ONION_MS 8000        /* out of an onion, whose relays wait LIMIT_RELAY_TIMEOUT_MS */
#define LIMIT_RELAY_TIMEOUT_MS 10000         /* onion, node to node */
#define LIMIT_PUSH_TIMEOUT_MS 10000          /* a batch, node to node */
#define LIMIT_FLUSH_MS 350                   /* relay buffer */
#define LIMIT_BATCH_BYTES 500000             /* a batch is closed once it exceeds this */
#define LIMIT_PUSH_ATTEMPTS 9                /* the first and 8 retries, see PUSH_RETRY_S */
#define LIMIT_RATE_BUCKET 600                /* tokens */
#define LIMIT_RATE_PER_S 300
#define LIMIT_RATE_CLIENTS 10000             /* addresses tracked per node */
#define LIMIT_ONION_HOPS 15                  /* a relay refuses more */
#define LIMIT_ONIONS_OPEN 10000              /* relays in flight per node: memory stays bounded; 503 beyond */
#define LIMIT_LISTENERS 10000                /* long polls held per node; beyond: answered at once, empty */
#define LIMIT_LISTENERS_PER_KEY 64
#define LIMIT_STORE_BYTES (UINT64_C(3758096384)) /* 3.5 GiB per node (2020-09); a scenario may set less */
#define LIMIT_STORE_RECORDS 4000000          /* so that 3.5 GiB of tiny messages stay bounded too */
#define LIMIT_PUSH_QUEUE_BYTES (64u << 20)   /* unsent pushes per node: beyond, the oldest batch is given up and counted */
#define LIMIT_SWEEP_MS 10000                 /* expired messages are freed at most this often */
#define LIMIT_STORES_OPEN 10000              /* clients' stores that wait for the disk, per node; 503 beyond */
#define LIMIT_DIFFICULTY_RECORDS 256         /* newest entries of the published history */
#define LIMIT_LEASE_MS 30000                 /* listening node: from each listen: PROTOCOL 9.1 */
#define LIMIT_LEASES 10000                   /* per node; 429 beyond */
#define LIMIT_LEASES_PER_KEY 8
#define LIMIT_LISTEN_HOLD_MS 8000            /* default, and the most out of an onion */
#define LIMIT_LISTEN_HOLD_MS_MAX 20000       /* a direct request */
#define LIMIT_DELIVER_MS 5000                /* a delivery waits for the next listen */
#define LIMIT_DELIVERIES 10000               /* that wait, per node; 429 beyond */
#define LIMIT_DELIVERIES_PER_KEY 64
#define LIMIT_DELIVERY_BYTES_PER_KEY (1 << 20) /* of their data */
#define POW_LENIENCY_MS (15 * 60 * 1000)

/* storage node, today's dialect: PROTOCOL 10 */
#define LIMIT_DATA_BYTES 76800               /* of one message; LIMIT_DATA_CHARS in base64 */
#define LIMIT_TIMESTAMP_MS_MIN INT64_C(1000000000) /* what is below was meant as seconds */
#define LIMIT_TTL_MODERN_MS_MAX INT64_C(1209600000) /* 14 days, in a public inbox */
#define LIMIT_TTL_PRIVATE_MS_MAX INT64_C(2592000000) /* 30 days, in other namespaces; also how far expire may reach */
#define LIMIT_SIGNATURE_MS 60000             /* a signed timestamp's distance from now */
#define LIMIT_SIGNATURE_FORWARDED_MS 70000   /* the same in a call that a peer passes on */
#define LIMIT_RETRIEVE_BYTES 7800000         /* of one answer, counted as PROTOCOL 10.8 says */
#define LIMIT_RETRIEVE_PARTS 5               /* without max_count and max_size: such a part of it */
#define LIMIT_REVOCATIONS 50                 /* per account and per call: the newest */
#define LIMIT_BATCH_REQUESTS 20              /* of one batch or sequence */
#define LIMIT_MEMBER_MS 5000                 /* for a swarm member's answer to a call that is passed on */
#define LIMIT_HELD_BYTES (64u << 20)         /* answers of parts and members that wait for others, per node; beyond: refused */
#define LIMIT_RECURSIVE_OPEN 10000           /* calls that wait for members, per node; 503 beyond */

/* client */
#define LIMIT_STORE_CONNECTIONS 3            /* parallel stores per message: TIM 3 */
#define LIMIT_SWARM_MIN 3                    /* cached nodes below which the swarm is asked again */
#define LIMIT_STORE_ATTEMPTS 3               /* per node */
#define LIMIT_STORE_PAUSE_MS 500             /* attempt n waits n times this */
#define LIMIT_SEND_TRIES 3                   /* of a whole message */
#define LIMIT_SEND_PAUSE_MS 1000
#define LIMIT_POW_MS 60000                   /* of virtual time */
#define LIMIT_DIRECT_TIMEOUT_MS 10000
#define LIMIT_ONION_TIMEOUT_MS 30000
#define LIMIT_POLLERS 3                      /* TIM 4 */
#define LIMIT_POLL_PAUSE_MS 2000             /* between polls without long polling */
#define LIMIT_POLL_TIMEOUT_MS 40000
#define LIMIT_POLL_EXHAUSTED_MS 5000
#define LIMIT_GUARDS 3                       /* TIM 5 */
#define LIMIT_PATHS_MIN 2                    /* fewer good ones: rebuild */
#define LIMIT_PATH_NODES 3
#define LIMIT_PATH_FAILURES 3
#define LIMIT_NODE_FAILURES 3
#define LIMIT_GUARD_TEST_MS 10000
#define LIMIT_GUARD_ROUNDS 6
#define LIMIT_SEED_TRIES 3                   /* after 0, 5, 20 s */
#define LIMIT_NODE_LIST 20000                /* entries a client reads from a seed */
#define LIMIT_SWARM_NODES 64                 /* entries a client reads from a swarm answer */
#define LIMIT_CONTACT_SWARMS 4096            /* cached swarms per client; the least recently used goes */
#define LIMIT_SEEN 65536                     /* seen hashes per client; those that expire first go first */
#define LIMIT_OUTBOX 4096                    /* messages in flight per client */
#define LIMIT_INTRODUCTION_BYTES 1000        /* PROTOCOL 7 */
#define LIMIT_DISPLAY_NAME_BYTES 100
#define TTL_FRIEND_REQUEST_MS 345600000      /* 4 days */
#define LIMIT_SEED_PAUSE_MS 5000             /* attempt n (from 0) waits n * n times this */
#define LIMIT_POOL_MIN 4                     /* usable nodes beside those in paths; below: the list is fetched again */
#define LIMIT_PATH_TRIES 4                   /* of building paths: TIM 5 */
#define LIMIT_PATH_PAUSE_MS 1000             /* between them */
#define LIMIT_LOOKUP_TRIES 5                 /* nodes asked for one swarm, one after another */
#define LIMIT_PROOF_RESTARTS 4               /* per message: nodes that raise the difficulty by ones may not keep it for ever */
#define LIMIT_SWARM_REPLACED 3               /* lists taken from 421 answers per message, poll or listening: nodes may disagree for ever */
#define LIMIT_POLL_PAUSE_FAILED_MS 1000      /* attempt n waits n times this: TIM 4 */
#define LIMIT_POLL_ATTEMPTS 3                /* per node, then it is dropped: TIM 4 */
#define LIMIT_POLL_PAGES 1000                /* full answers in a row from one node: it may have no end of messages */
#define LIMIT_HELD_MS_MIN 1000               /* an empty answer to a long poll before this was not held: pause */
#define LIMIT_LAST_HASHES LIMIT_SWARM_NODES  /* nodes whose last hash is remembered */
#define LIMIT_SESSION_BYTES (64 * 1024)      /* of one contact's record; 2,000 skipped keys would be 273 KB: reset beyond */
#define LIMIT_SESSION_SKIP 2000              /* messages skipped in one chain: PROTOCOL 6.7 */
#define LIMIT_SESSION_ARCHIVED 40            /* sessions beside the active one, per contact; the oldest goes */
#define LIMIT_RECEIPT_TIMESTAMPS 64          /* of one ReceiptMessage; at most 32 messages await an acknowledgement */
#define LIMIT_STATUS_VALID_S 120             /* of a LokiAddressMessage that does not say */
#define LIMIT_CONTACTS 4096                  /* per client, strangers who asked included; beyond: their requests are dropped */
#define LIMIT_TEXT_BYTES 65536               /* of a message in a session: sealed and in base64 it fits LIMIT_DATA_CHARS */
#define LIMIT_OUTBOX_CONTACT 1024            /* messages to one contact that are not done */
#define LIMIT_UNACKNOWLEDGED 32              /* per contact; more wait: PROTOCOL 9.5 */
#define LIMIT_ACK_MS 10000                   /* from sending to the acknowledgement */
#define LIMIT_ACK_COMBINE_MS 150             /* 200 ms, less what the disk may take */
#define LIMIT_DELIVER_RETRY_MS 1000          /* before the one other path */
#define LIMIT_STATUS_FRESH_MS 120000         /* an older status says nothing of now */
#define LIMIT_PING_MS 60000                  /* silence of an online contact with the smaller key; else twice that */
#define LIMIT_PING_OFFLINE_MS 120000
#define LIMIT_PING_GIVE_UP_MS 600000         /* after the last sign of an offline contact */
#define LIMIT_LISTEN_FAILURES 3              /* in a row, with pauses of 1, 2, 4 s: then another node */
#define LIMIT_LISTEN_PAUSE_MS 1000
#define LIMIT_REQUEST_LOCK_MS 259200000      /* 72 h: then one may ask again */
#define LIMIT_RESET_MS 345600000             /* a session reset that nobody answers is over when its message is */
#define TTL_TEXT_MS 86400000                 /* 24 h: PROTOCOL 8.6 */
#define LIMIT_INBOX 65536                    /* messages shown and not cleared; the oldest goes */

/* push: PROTOCOL 10.14 */
#define LIMIT_MONITOR_MS (65 * 60 * 1000)    /* of one connection; clients renew within an hour */
#define LIMIT_MONITOR_PAST_S (14 * 86400)
#define LIMIT_MONITOR_FUTURE_S 86400
#define LIMIT_MONITOR_BYTES (1 << 20)        /* of a request: LIMIT_MONITOR_ACCOUNTS with many namespaces */
#define LIMIT_MONITOR_NAMESPACES 256         /* of one subscription's request */
#define LIMIT_MONITOR_ACCOUNTS 1024          /* per connection, hence per request */
#define LIMIT_MONITOR_CONNECTIONS 1024       /* per node; 503 beyond */
#define LIMIT_MONITORS 65536                 /* subscriptions per node */

/* file store beside the seed: PROTOCOL 3.12 */
#define LIMIT_FILE_BYTES 10000000            /* as the deployed file server */
#define LIMIT_FILES 10000
#define LIMIT_FILES_BYTES (UINT64_C(256) << 20)
#define LIMIT_FILE_MS (INT64_C(14) * 86400000) /* as the deployed one keeps files */

/* HTTP server (sim/http/) */
#define LIMIT_HTTP_HEAD_BYTES 16384          /* request line and headers; 431 beyond */
#define LIMIT_HTTP_TARGET_BYTES 4096         /* path and query; 414 beyond */
#define LIMIT_HTTP_HEADERS 64                /* a browser sends about 20; 431 beyond */
#define LIMIT_HTTP_CONNECTIONS 16384         /* beyond: 503 and closed */
#define LIMIT_HTTP_TURNED_AWAY 128           /* of these, at a time, get to read their 503; the others are just closed */
#define LIMIT_HTTP_BODIES_BYTES (UINT64_C(256) << 20) /* in flight, requests and answers; 503 beyond */
#define LIMIT_HTTP_EARLY_BYTES 16384         /* pipelined behind an open request; beyond: not read */
#define LIMIT_HTTP_STREAM_BYTES (256 * 1024) /* waiting for a slow reader of a stream */
#define LIMIT_HTTP_IDLE_MS 120000            /* a connection between requests */
#define LIMIT_HTTP_HEAD_MS 10000             /* from a request's first byte to the end of its head; a TLS handshake too */
#define LIMIT_HTTP_BODY_MS 10000             /* for every LIMIT_HTTP_PROGRESS_BYTES of a body */
#define LIMIT_HTTP_PROGRESS_BYTES 4096
#define LIMIT_HTTP_WRITE_MS 30000            /* without any progress of an answer */
#define LIMIT_HTTP_LINGER_MS 2000            /* a closed connection's sender may still read our answer */

/* HTTP client (sim/http/) and the terminal client */
#define LIMIT_HTTP_OUT_CONNECTIONS 256       /* of one client; beyond, calls wait for one */
#define LIMIT_HTTP_OUT_IDLE_MS 30000         /* kept for the next call: below LIMIT_HTTP_IDLE_MS of the other side */
#define LIMIT_STATE_BYTES (1u << 30)         /* of a state file: 4096 contacts with the largest sessions, 65536 texts */

/* endpoint */
#define LIMIT_CALLS 100000                   /* open calls of one endpoint; more end NET_REFUSED */
#define LIMIT_RUN_QUEUE 4096                 /* requests waiting for a machine's CPU; 503 beyond */
#define LIMIT_DISK_BYTES (UINT64_C(8) << 30) /* virtual disk of one endpoint; ERR_FULL beyond */

static_assert(LIMIT_LONG_POLL_ONION_MS < LIMIT_RELAY_TIMEOUT_MS, "a held poll must be answered before the relays give up");
static_assert(LIMIT_LISTEN_HOLD_MS < LIMIT_RELAY_TIMEOUT_MS, "so must a held listen");
static_assert(LIMIT_DELIVER_MS < LIMIT_RELAY_TIMEOUT_MS, "and a waiting delivery");
static_assert(LIMIT_LISTEN_HOLD_MS_MAX < LIMIT_LEASE_MS, "a lease outlives its held listen");
static_assert(LIMIT_DATA_CHARS <= LIMIT_DELIVERY_BYTES_PER_KEY, "any message may wait");
static_assert(LIMIT_RELAY_TIMEOUT_MS < LIMIT_ONION_TIMEOUT_MS, "a relay's 504 must reach the client before it gives up");
static_assert(LIMIT_DATA_CHARS < LIMIT_BATCH_BYTES, "a message fits a batch");
static_assert(LIMIT_DATA_BYTES / 3 * 4 == LIMIT_DATA_CHARS && LIMIT_DATA_BYTES % 3 == 0, "both dialects take the same messages");
static_assert(LIMIT_MEMBER_MS < LIMIT_RELAY_TIMEOUT_MS, "a silent member must show before the relays give up");
static_assert(LIMIT_HTTP_OUT_IDLE_MS < LIMIT_HTTP_IDLE_MS, "a connection is given up before the server closes it");
static_assert(LIMIT_PATHS_MIN <= LIMIT_GUARDS, "as many paths as guards");

#endif
