/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/nvme/sha256.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Vectors: NIST, "SHA-256 Example" and the digest of one million "a". */
static const struct {
    const char *text;
    unsigned repeat;
    const char *hex;
} vectors[] = {
    {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

static void digests_are_those_of_the_standard(void **state)
{
    char hex[SHA256_HEX_LENGTH + 1];
    struct sha256 sha;

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        sha256_init(&sha);
        for (unsigned n = 0; n < vectors[i].repeat; n++)
            sha256_update(&sha, vectors[i].text, strlen(vectors[i].text));
        sha256_finish(&sha, hex);
        assert_string_equal(hex, vectors[i].hex);
    }
}

/* Every way to cut a message in two, around both padding lengths. */
static void pieces_make_the_same_digest(void **state)
{
    static const uint8_t data[200] = {1, 2, 3};
    char whole[SHA256_HEX_LENGTH + 1], pieces[SHA256_HEX_LENGTH + 1];
    struct sha256 sha;

    (void)state;
    for (size_t length = 0; length <= sizeof(data); length++) {
        sha256_init(&sha);
        sha256_update(&sha, data, length);
        sha256_finish(&sha, whole);
        for (size_t cut = 0; cut <= length; cut += 7) {
            sha256_init(&sha);
            sha256_update(&sha, data, cut);
            sha256_update(&sha, data + cut, length - cut);
            sha256_finish(&sha, pieces);
            assert_string_equal(whole, pieces);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_standard),
        cmocka_unit_test(pieces_make_the_same_digest),
    };

    return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
