#include "sim/verify.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bytes.h"
#include "tests/support/check_main.h"

#define ALL_FILES                                                                                                      \
    {                                                                                                                  \
        VECTORS "/swarm_space.json", VECTORS "/swarm_assignment.json", VECTORS "/pow.json", VECTORS "/onion.json",     \
            VECTORS "/friend_request.json", VECTORS "/protobuf.json", VECTORS "/ed25519_x25519.json",                  \
            VECTORS "/message_hash.json", VECTORS "/x3dh_ratchet.json"                                                 \
    }

/* One run: its exit status and all that it said. */
struct outcome {
    int status;
    char *out, *err; /* freed by outcome_fini */
};

static struct outcome run(const char *const files[], size_t count)
{
    struct outcome outcome;
    size_t out_len, err_len;
    FILE *out = open_memstream(&outcome.out, &out_len);
    FILE *err = open_memstream(&outcome.err, &err_len);

    outcome.status = verify_files(files, count, out, err);
    fclose(err);
    fclose(out);
    return outcome;
}

static void outcome_fini(struct outcome *outcome)
{
    free(outcome->out);
    free(outcome->err);
}

/* Runs a text as a file. */
static struct outcome run_text(const char *text)
{
    char path[] = "/tmp/swarmbed-verify-XXXXXX";
    int fd = mkstemp(path);
    struct outcome outcome;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    outcome = run((const char *const[]){path}, 1);
    unlink(path);
    return outcome;
}

/* A vector file as text; the caller frees it. */
static char *load(const char *name)
{
    char path[512];
    char *text = xcalloc(1, 1 << 20);
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s.json", VECTORS, name);
    file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, file), 0);
    fclose(file);
    return text;
}

/* With its quotes. */
static size_t string_len(const char *text)
{
    size_t len = 1;

    while (text[len] != '"')
        len += text[len] == '\\' ? 2 : 1;
    return len + 1;
}

/* The value of the first `member` behind `section`: a string, number or word. */
static char *find_value(char *text, const char *section, const char *member, size_t *len)
{
    char quoted[100];
    char *at;

    snprintf(quoted, sizeof(quoted), "\"%s\":", section);
    at = strstr(text, quoted);
    ck_assert_msg(at != NULL, "no section %s", section);
    at += strlen(quoted);
    snprintf(quoted, sizeof(quoted), "\"%s\":", member);
    at = strstr(at, quoted);
    ck_assert_msg(at != NULL, "no member %s in %s", member, section);
    at += strlen(quoted);
    at += strspn(at, " ");
    *len = *at == '"' ? string_len(at) : strcspn(at, ",}] \n");
    return at;
}

/* The text with another value there; the caller frees it. */
static char *with_value(char *text, const char *section, const char *member, const char *value)
{
    size_t len;
    char *at = find_value(text, section, member, &len);
    char *changed = xmalloc(strlen(text) + strlen(value) + 1);

    sprintf(changed, "%.*s%s%s", (int)(at - text), text, value, at + len);
    return changed;
}

/* The file with one value changed is run; what it has to say must contain `wanted`. */
static void check_changed(const char *name, const char *section, const char *member, const char *value, int status,
                          const char *wanted)
{
    char *text = load(name);
    char *changed = with_value(text, section, member, value);
    struct outcome outcome = run_text(changed);
    const char *said = status == 2 ? outcome.err : outcome.out;

    ck_assert_msg(outcome.status == status, "%s: %s.%s = %s: status %d, said: %s", name, section, member, value,
                  outcome.status, said);
    ck_assert_msg(strstr(said, wanted) != NULL, "%s: %s.%s = %s: no '%s' in: %s", name, section, member, value, wanted,
                  said);
    ck_assert_ptr_nonnull(strstr(outcome.out, name)); /* the kind is told by the content: the file had another name */
    for (const char *line = said; *line != '\0'; line += strcspn(line, "\n") + 1)
        ck_assert_uint_lt(strcspn(line, "\n"), 300);
    outcome_fini(&outcome);
    free(changed);
    free(text);
}

START_TEST(all_vectors_pass)
{
    const char *const files[] = ALL_FILES;
    struct outcome outcome = run(files, ARRAY_LEN(files));

    ck_assert_msg(outcome.status == 0, "%s%s", outcome.out, outcome.err);
    ck_assert_str_eq(outcome.err, "");
    ck_assert_ptr_nonnull(strstr(outcome.out, "/onion.json: onion: 57 passed, 0 failed\n"));
    ck_assert_ptr_nonnull(strstr(outcome.out, "/protobuf.json: protobuf: 60 passed, 0 failed\n"));
    ck_assert_ptr_nonnull(strstr(outcome.out, "\n1660 passed, 0 failed\n"));
    outcome_fini(&outcome);
}
END_TEST

#define PREFIXED "\"050900000000000000000000000000000000000000000000000000000000000000\""
#define HEX_32   "\"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\""

/* Each thing that a section says, said wrongly, fails: nothing is read and then not compared. */
START_TEST(a_wrong_value_fails)
{
    static const struct {
        const char *file, *section, *member, *value, *wanted;
    } cases[] = {
        {"swarm_space", "swarm_space", "swarm_space_hex", "\"0000000000000001\"", "swarm_space[0]: swarm_space_hex: "},
        {"swarm_space", "swarm_space", "swarm_space", "\"1\"", "swarm_space[0]: swarm_space: expected 1, got 0"},
        {"swarm_space", "selection", "swarm_space", "\"1\"", "selection[0].cases[0]: swarm_space: "},
        {"swarm_space", "selection", "expected_swarm_id", "\"1\"", "selection[0].cases[0]: expected_swarm_id: "},
        {"swarm_assignment", "parameters", "min_swarm_size", "6", "parameters[0]: min_swarm_size: expected 6, got 5"},
        {"swarm_assignment", "parameters", "ideal_margin", "6", "ideal_margin"},
        {"swarm_assignment", "parameters", "new_swarm_size", "6", "new_swarm_size"},
        {"swarm_assignment", "parameters", "excess_base", "6", "excess_base"},
        {"swarm_assignment", "parameters", "fill_percentile", "6", "fill_percentile"},
        {"swarm_assignment", "parameters", "redistribution_percentile", "6", "redistribution_percentile"},
        {"swarm_assignment", "parameters", "stealing_percentile", "6", "stealing_percentile"},
        {"swarm_assignment", "parameters", "unassigned_id", "\"6\"", "unassigned_id"},
        {"swarm_assignment", "new_swarm_ids", "new_swarm_id", "\"7\"", "new_swarm_ids[0]: new_swarm_id: "},
        {"swarm_assignment", "new_swarm_ids", "new_swarm_id_until_2021_04", "\"7\"", "new_swarm_id_until_2021_04: "},
        {"swarm_assignment", "scenarios", "seed", "\"7\"", "scenarios[0].steps[0]: seed: expected 7"},
        {"swarm_assignment", "scenarios", "swarm_id", "\"7\"", "scenarios[0].steps[0]: swarm of the node "},
        {"pow", "valid", "target", "\"0000000000000001\"", "valid[0]: target: expected 1"},
        {"pow", "valid", "nonce", "\"AAAAAAAAAKU=\"", "valid[0]: nonce: "},
        {"pow", "valid", "message_hash", "\"00\"", "valid[0]: message_hash: "},
        {"pow", "valid", "data", "\"\"", "valid[0]: data: "},
        {"pow", "valid", "expected", "false", "valid[0]: expected: expected 0, got 1"},
        {"pow", "invalid", "expected", "true", "invalid[0]: expected: expected 1, got 0"},
        {"pow", "ttl_range", "accepted", "true", "ttl_range[0]: accepted: "},
        {"pow", "difficulty_history", "difficulty", "7", "difficulty_history[0]: difficulty: "},
        {"onion", "single_layer", "node_x25519_public", HEX_32, "single_layer[0]: node_x25519_public: "},
        {"onion", "single_layer", "ephemeral_public", HEX_32, "single_layer[0]: ephemeral_public: "},
        {"onion", "single_layer", "dh_shared", HEX_32, "single_layer[0]: dh_shared: "},
        {"onion", "single_layer", "key", HEX_32, "single_layer[0]: key, of the client: "},
        {"onion", "single_layer", "plaintext_hex", "\"00\"", "single_layer[0]: plaintext_hex: "},
        {"onion", "single_layer", "ciphertext_hex", "\"00\"", "single_layer[0]: ciphertext_hex: "},
        {"onion", "reply", "ciphertext_hex", "\"00\"", "single_layer[0]: ciphertext_hex: "},
        {"onion", "framing", "blob_length", "1", "framing[0]: blob_length: "},
        {"onion", "framing", "payload_length", "1", "framing[0]: payload_length: "},
        {"onion", "framing", "payload_sha256", "\"00\"", "framing[0]: payload_sha256: "},
        {"onion", "framing", "payload_hex", "\"00\"", "framing[0]: payload_hex: "},
        {"onion", "bad_framing", "payload_hex", "\"04000000626f64797b2268656164657273223a22227d\"",
         "bad_framing[0]: payload_hex is refused: "},
        {"onion", "payload_kinds", "kind", "\"relay_node\"",
         "payload_kinds[0]: kind: expected \"relay_node\", got \"final\""},
        {"onion", "paths_v2", "ed25519_public", HEX_32, "paths_v2[0]: ed25519_public: "},
        {"onion", "paths_v2", "x25519_public", HEX_32, "paths_v2[0]: x25519_public: "},
        {"onion", "paths_v2", "body", "\"x\"", "paths_v2[0]: request_wire_hex: "},
        {"onion", "paths_v2", "destination_enc_type", "\"xchacha20\"", "paths_v2[0]: destination_enc_type: "},
        {"onion", "paths_v2", "plaintext_hex", "\"00\"", "paths_v2[0]: plaintext_hex: "},
        {"onion", "paths_v2", "ciphertext_hex", "\"00\"", "paths_v2[0]: ciphertext_hex: "},
        {"onion", "paths_v2", "key", HEX_32, "paths_v2[0]: key, of the node: "},
        {"onion", "guard_json", "ephemeral_key", HEX_32, "paths_v2[0]: guard_json.ephemeral_key: "},
        {"onion", "paths_v2", "request_wire_hex", "\"00\"", "paths_v2[0]: the guard reads it: "},
        {"onion", "response", "status", "500", "paths_v2[0]: status: expected 500, got 200"},
        {"onion", "response", "body", "\"x\"", "paths_v2[0]: body: expected \"x\""},
        {"onion", "response", "ciphertext_base64", "\"AAAA\"", "paths_v2[0]: the response opens: "},
        {"onion", "paths_v1", "request", "\"{}\"", "paths_v1[0]: request: "},
        {"onion", "paths_v1", "plaintext_hex", "\"00\"", "paths_v1[0]: plaintext_hex: "},
        {"friend_request", "sessions", "shared_secret", HEX_32, "sessions[0]: shared_secret: "},
        {"friend_request", "sessions", "plaintext_hex", "\"00\"", "sessions[0].messages[0]: plaintext_hex: "},
        {"friend_request", "sessions", "body_hex", "\"00\"", "sessions[0].messages[0]: body_hex: "},
        {"friend_request", "padding", "padded_length", "160", "padding[0]: padded_length: "},
        {"friend_request", "padding", "padded_hex", "\"80\"", "padding[0]: padded_hex: "},
        {"protobuf", "cases", "deviceId", "2", "cases[0]: fields: does not hold"},
        {"protobuf", "cases", "wire_hex", "\"07\"", "cases[0]: wire_hex decodes: does not hold"},
        {"ed25519_x25519", "keys", "ed25519_public", HEX_32, "keys[0]: ed25519_public: "},
        {"ed25519_x25519", "keys", "ed25519_secret", HEX_32, "keys[0]: ed25519_secret: "},
        {"ed25519_x25519", "keys", "x25519_public", HEX_32, "keys[0]: x25519_public: "},
        {"ed25519_x25519", "keys", "x25519_secret", HEX_32, "keys[0]: x25519_secret: "},
        {"ed25519_x25519", "keys", "valid", "false", "keys[0].signatures[0]: valid: "},
        {"ed25519_x25519", "keys", "short_seed", "\"00112233445566778899aabbccddeeff\"", ": short_seed: "},
        {"ed25519_x25519", "x25519_agreement", "public_a", HEX_32, "x25519_agreement[0]: public_a: "},
        {"ed25519_x25519", "x25519_agreement", "shared", HEX_32, "x25519_agreement[0]: shared: "},
        {"message_hash", "cases", "hash", "\"x\"", "cases[0]: hash: expected \"x\", got \"BL2x"},
        {"message_hash", "cases", "data_base64", "\"AAAA\"", "cases[0]: data_base64: "},
        {"x3dh_ratchet", "hkdf_info", "ratchet", "\"x\"", "hkdf_info[0]: ratchet: "},
        {"x3dh_ratchet", "alice", "registration_id", "5",
         "scenarios[0].steps[0]: registrationId: expected 9022, got 5"},
        {"x3dh_ratchet", "alice", "identity_public", PREFIXED, "scenarios[0]: identity_public: "},
        {"x3dh_ratchet", "bob", "id", "5", "scenarios[0].steps[1]: error: expected \"ok\", got \"not found\""},
        {"x3dh_ratchet", "bob", "public", PREFIXED, "scenarios[0]: public: "},
        {"x3dh_ratchet", "one_time_prekeys", "id", "5", "scenarios[0].steps[1]: error: "},
        {"x3dh_ratchet", "bundle", "identity_key", PREFIXED, "scenarios[0]: the session starts: "},
        {"x3dh_ratchet", "bundle", "signed_prekey_id", "5", "scenarios[0].steps[0]: signedPreKeyId: "},
        {"x3dh_ratchet", "bundle", "signed_prekey", PREFIXED, "scenarios[0]: signed_prekey_signature: "},
        {"x3dh_ratchet", "bundle", "prekey_id", "5", "scenarios[0].steps[0]: preKeyId: "},
        {"x3dh_ratchet", "bundle", "prekey", PREFIXED, "scenarios[0]: master_secret: "},
        {"x3dh_ratchet", "session_start", "master_secret", HEX_32, "scenarios[0]: master_secret: "},
        {"x3dh_ratchet", "session_start", "initial_root_key", HEX_32, "scenarios[0]: initial_root_key: "},
        {"x3dh_ratchet", "session_start", "initial_chain_key", HEX_32, "scenarios[0]: initial_chain_key: "},
        {"x3dh_ratchet", "session_start", "base_public", PREFIXED, "scenarios[0]: base_public: "},
        {"x3dh_ratchet", "session_start", "root_key", HEX_32, "scenarios[0]: root_key: "},
        {"x3dh_ratchet", "session_start", "first_sending_ratchet_public", PREFIXED, ": first_sending_ratchet_public: "},
        {"x3dh_ratchet", "session_start", "first_sending_chain_key", HEX_32, ": first_sending_chain_key: "},
        {"x3dh_ratchet", "steps", "type", "\"whisper\"", "scenarios[0].steps[0]: type: expected 1, got 3"},
        {"x3dh_ratchet", "steps", "plaintext_hex", "\"00\"", "scenarios[0].steps[0]: message: from byte "},
        {"x3dh_ratchet", "steps", "wire_hex", "\"00\"", "scenarios[0].steps[0]: wire_hex is a message of that type: "},
        {"x3dh_ratchet", "steps", "ratchet_public", PREFIXED, "scenarios[0].steps[0]: ratchet_public: "},
        {"x3dh_ratchet", "message_keys", "counter", "5", "scenarios[0].steps[0]: counter: expected 5, got 0"},
        {"x3dh_ratchet", "message_keys", "seed", HEX_32, "scenarios[0].steps[0]: cipher_key: "},
        {"x3dh_ratchet", "message_keys", "cipher_key", HEX_32, "scenarios[0].steps[0]: cipher_key: "},
        {"x3dh_ratchet", "message_keys", "mac_key", HEX_32, "scenarios[0].steps[0]: mac_key: "},
        {"x3dh_ratchet", "message_keys", "iv", "\"00\"", "scenarios[0].steps[0]: iv: "},
        {"x3dh_ratchet", "scenarios", "error", "\"invalid message\"", "scenarios[5].steps[2]: error: "},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_changed(cases[i].file, cases[i].section, cases[i].member, cases[i].value, 1, cases[i].wanted);
}
END_TEST

/* What must be refused fails if it is not: here it is something good. */
START_TEST(what_must_fail_must)
{
    static const struct {
        const char *file, *good_section, *good_member, *section, *member, *wanted;
    } cases[] = {
        {"onion", "single_layer", "ciphertext_hex", "single_layer", "tampered_ciphertext_hex",
         "single_layer[0]: tampered_ciphertext_hex is refused: does not hold"},
        {"friend_request", "sessions", "body_hex", "must_fail", "body_hex",
         "must_fail[0]: body_hex is refused: does not hold"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = load(cases[i].file);
        size_t len;
        char *at = find_value(text, cases[i].good_section, cases[i].good_member, &len);
        char *good = strndup(at, len);

        check_changed(cases[i].file, cases[i].section, cases[i].member, good, 1, cases[i].wanted);
        free(good);
        free(text);
    }
}
END_TEST

/* What cannot be read is an error that names the place, not a vector less. */
START_TEST(a_vector_that_cannot_be_read_is_an_error)
{
    static const struct {
        const char *file, *section, *member, *value, *wanted;
    } cases[] = {
        {"swarm_space", "swarm_space", "pubkey", "\"05\"",
         "swarm_space[0]: the member 'pubkey' must be 33 bytes in hex"},
        {"swarm_space", "selection", "expected_swarm_id", "7", "selection[0].cases[0]: the member 'expected_swarm_id'"},
        {"swarm_assignment", "parameters", "min_swarm_size", "\"5\"", "parameters[0]: the member 'min_swarm_size'"},
        {"swarm_assignment", "scenarios", "seed", "null", "scenarios[0].steps[0]: the member 'seed' must be text"},
        {"swarm_assignment", "scenarios", "rule", "\"since 2022\"", "the member 'rule' must be 'since 2021-04' or"},
        {"swarm_assignment", "scenarios", "block_hash", "\"xx\"", "scenarios[0].steps[0]: the member 'block_hash'"},
        {"pow", "valid", "nonce", "\"AA==\"", "valid[0]: the member 'nonce' must have 8 bytes"},
        {"pow", "valid", "ttl", "\"x\"", "valid[0]: the member 'ttl' must be a number as decimal text"},
        {"pow", "valid", "difficulty", "1.5", "valid[0]: the member 'difficulty' must be a whole number"},
        {"pow", "ttl_range", "accepted", "\"true\"", "ttl_range[0]: the member 'accepted' must be true or false"},
        {"onion", "single_layer", "enc_type", "\"rot13\"", "single_layer[0]: 'rot13' is no type of encryption"},
        {"onion", "single_layer", "plaintext_hex", "\"0\"",
         "single_layer[0]: the member 'plaintext_hex' must be bytes"},
        {"onion", "framing", "blob_rule", "\"any\"", "the members 'blob_rule' and 'blob_length'"},
        {"onion", "paths_v2", "target", "\"moon\"", "paths_v2[0]: the member 'target' must be 'snode' or 'server'"},
        {"onion", "paths_v1", "enc_type", "\"xchacha20\"", "paths_v1[0]: this form has only aes-gcm"},
        {"friend_request", "sessions", "iv", "null", "sessions[0].messages[0]: the member 'iv' must be text"},
        {"protobuf", "cases", "message", "\"Nothing\"", "cases[0]: the schema has no message 'Nothing'"},
        {"ed25519_x25519", "keys", "signature", "5", "keys[0].signatures[0]: the member 'signature' must be text"},
        {"message_hash", "cases", "namespace", "32768", "cases[0]: the member 'namespace' must be from -32768"},
        {"message_hash", "cases", "data_base64", "\"A\"", "cases[0]: the member 'data_base64' must be bytes in base64"},
        {"x3dh_ratchet", "session_start", "by", "\"bob\"", "scenarios[0]: a session must be started by alice"},
        {"x3dh_ratchet", "steps", "op", "\"think\"", "steps[0]: the member 'op' must be 'encrypt' or 'decrypt'"},
        {"x3dh_ratchet", "steps", "by", "\"eve\"", "steps[0]: the member 'by' must be 'alice' or 'bob'"},
        {"x3dh_ratchet", "steps", "type", "\"loud\"", "steps[0]: the member 'type' must be 'prekey' or 'whisper'"},
        {"x3dh_ratchet", "steps", "message", "1024", "steps[0]: the member 'message' must be from 0 to 1023"},
        {"x3dh_ratchet", "steps", "message", "9", "steps[1]: the member 'message' must be a message that was written"},
        {"x3dh_ratchet", "scenarios", "error", "\"x\"", "the member 'error' must be 'duplicate' or"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_changed(cases[i].file, cases[i].section, cases[i].member, cases[i].value, 2, cases[i].wanted);
}
END_TEST

static void check_text(const char *text, const char *wanted)
{
    struct outcome outcome = run_text(text);

    ck_assert_msg(outcome.status == 2, "%s: status %d", text, outcome.status);
    ck_assert_msg(strstr(outcome.err, wanted) != NULL, "%s: %s", text, outcome.err);
    outcome_fini(&outcome);
}

START_TEST(a_missing_member_is_an_error)
{
    check_text("{\"cases\":[{\"hash\":\"\",\"pubkey\":\"\"}]}",
               "cases[0]: the member 'pubkey' must be 33 bytes in hex");
    check_text("{\"ttl_range\":[{\"ttl\":\"1\"}]}", "ttl_range[0]: the member 'accepted' is missing");
    check_text("{\"ttl_range\":[5]}", "ttl_range[0]: must be an object");
    check_text("{\"scenarios\":[{\"steps\":[5]}]}", "scenarios[0].steps[0]: the member 'seed' is missing");
    check_text("{\"difficulty_history\":[{\"timestamp\":\"1\",\"difficulty\":1,\"history\":[[1,2,3]]}]}",
               "difficulty_history[0]: a record of 'history' must be two whole numbers");
    check_text("{\"selection\":[{\"swarm_ids\":[\"2\",\"1\"],\"cases\":[]}]}",
               "selection[0]: the member 'swarm_ids' must ascend");
    check_text("{\"sessions\":[{\"alice\":5}]}", "sessions[0]: the member 'alice' must be an object");
    check_text("{\"paths_v2\":[{}]}", "paths_v2[0]: the member 'body' is missing");
    check_text("{\"paths_v1\":[{\"body\":\"\",\"request\":\"\",\"nodes\":[]}]}",
               "paths_v1[0]: the member 'nodes' must have 1 to 7 nodes");
}
END_TEST

START_TEST(an_unknown_file_is_an_error)
{
    check_text("", "not JSON");
    check_text("{", "not JSON");
    check_text("[]", "no known kind of test vectors");
    check_text("{}", "no known kind of test vectors");
    check_text("{\"about\":\"x\",\"things\":[{}]}", "no known kind of test vectors");
    check_text("{\"cases\":[]}", "no known kind of test vectors");
    check_text("{\"valid\":[]}", "no test vectors are in it");
    check_text("{\"cases\":[{\"name\":1}]}", "no known kind of test vectors");
    check_text("{\"ttl_range\":[],\"tll_range\":[]}", "'tll_range' is no section of vectors of the kind pow");
    check_text("{\"ttl_range\":\"x\"}", "'ttl_range' is no section of vectors of the kind pow");
}
END_TEST

/* A file that cannot be opened does not keep the others from being verified. */
START_TEST(a_file_that_is_not_there_is_an_error)
{
    const char *const files[] = {"/nowhere/x.json", VECTORS "/message_hash.json", "/"};
    struct outcome outcome = run(files, ARRAY_LEN(files));

    ck_assert_int_eq(outcome.status, 2);
    ck_assert_ptr_nonnull(strstr(outcome.err, "/nowhere/x.json: No such file"));
    ck_assert_ptr_nonnull(strstr(outcome.err, "/: Is a directory"));
    ck_assert_ptr_nonnull(strstr(outcome.out, "24 passed, 0 failed\n24 passed, 0 failed\n"));
    outcome_fini(&outcome);
}
END_TEST

TEST_MAIN("verify", all_vectors_pass, a_wrong_value_fails, what_must_fail_must,
          a_vector_that_cannot_be_read_is_an_error, a_missing_member_is_an_error, an_unknown_file_is_an_error,
          a_file_that_is_not_there_is_an_error)
