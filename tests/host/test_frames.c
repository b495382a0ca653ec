/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Properties: an allocation is the lowest aligned free run below its limit, never frame 0; freeing
 * and retagging change exactly the frames named, or none; free_count and the hint always tell the
 * truth; no argument reads or writes outside the tags. All of it over several blocks, whole and
 * cut.
 */
#define COUNT     (2 * (unsigned)FRAMES_BLOCK + 100)
#define AT(frame) ((uint64_t)(frame) << FRAME_SHIFT)

/* One guard tag on either side shows a stray write. */
struct fixture {
    owner_t tags[FRAMES_TAGS(COUNT) + 2];
    struct frames frames;
};

static void start(struct fixture *fixture)
{
    memset(fixture->tags, 0x5A, sizeof(fixture->tags));
    frames_init(&fixture->frames, fixture->tags + 1, COUNT);
}

static owner_t owner_at(const struct fixture *fixture, size_t frame)
{
    return frames_owner(&fixture->frames, AT(frame));
}

static void read_owners(const struct fixture *fixture, owner_t owners[COUNT])
{
    for (size_t i = 0; i < COUNT; i++) {
        owners[i] = owner_at(fixture, i);
    }
}

static void check_owners(const struct fixture *fixture, const owner_t owners[COUNT])
{
    owner_t now[COUNT];

    read_owners(fixture, now);
    assert_memory_equal(now, owners, sizeof(now));
}

static void check_sound(const struct fixture *fixture)
{
    size_t free_count = 0;

    assert_int_equal(fixture->tags[0], 0x5A5A);
    assert_int_equal(fixture->tags[FRAMES_TAGS(COUNT) + 1], 0x5A5A);
    for (size_t i = 0; i < COUNT; i++) {
        if (owner_at(fixture, i) == OWNER_FREE) {
            free_count++;
            assert_true(i == 0 || i >= fixture->frames.hint);
        }
    }
    assert_int_equal(free_count, fixture->frames.free_count);
}

static void starts_absent(void **state)
{
    struct fixture f;
    uint64_t base = 7;

    (void)state;
    start(&f);
    check_sound(&f);
    assert_int_equal(frames_owner(&f.frames, AT(5)), OWNER_ABSENT);
    assert_int_equal(frames_owner(&f.frames, AT(COUNT)), OWNER_ABSENT);
    assert_int_equal(frames_owner(&f.frames, UINT64_MAX), OWNER_ABSENT);
    assert_false(frames_alloc(&f.frames, OWNER_IMAGE, 1, 1, 0, &base));
    assert_int_equal(base, 7);
}

static void retag_takes_whole_frames_only(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    assert_int_equal(frames_retag(&f.frames, AT(2) + 1, AT(3), OWNER_ABSENT, OWNER_FREE), 2);
    assert_int_equal(frames_owner(&f.frames, AT(2)), OWNER_ABSENT);
    assert_int_equal(frames_owner(&f.frames, AT(3)), OWNER_FREE);
    assert_int_equal(frames_owner(&f.frames, AT(4)), OWNER_FREE);
    assert_int_equal(frames_owner(&f.frames, AT(5)), OWNER_ABSENT);
    assert_int_equal(frames_retag(&f.frames, 1, 4094, OWNER_ABSENT, OWNER_FREE), 0);
    assert_int_equal(frames_retag(&f.frames, AT(9), 0, OWNER_ABSENT, OWNER_FREE), 0);
    assert_int_equal(frames_retag(&f.frames, UINT64_MAX, 1, OWNER_ABSENT, OWNER_FREE), 0);
    assert_int_equal(frames_retag(&f.frames, UINT64_MAX, UINT64_MAX, OWNER_ABSENT, OWNER_FREE), 0);
    assert_int_equal(frames_retag(&f.frames, AT(COUNT - 1), UINT64_MAX, OWNER_ABSENT, OWNER_FREE),
                     1);
    check_sound(&f);
}

static void gives_the_lowest_aligned_run(void **state)
{
    struct fixture f;
    uint64_t base;

    (void)state;
    start(&f);
    (void)frames_retag(&f.frames, 0, AT(COUNT), OWNER_ABSENT, OWNER_FREE);
    assert_true(frames_alloc(&f.frames, OWNER_IMAGE, 1, 1, 0, &base));
    assert_int_equal(base, AT(1));
    assert_true(frames_alloc(&f.frames, OWNER_IMAGE, 3, 8, 0, &base));
    assert_int_equal(base, AT(8));
    assert_true(frames_alloc(&f.frames, OWNER_IMAGE, 6, 1, 0, &base));
    assert_int_equal(base, AT(2));
    assert_true(frames_alloc(&f.frames, OWNER_IMAGE, 1, 1, 0, &base));
    assert_int_equal(base, AT(11));
    check_sound(&f);
}

static void respects_the_limit(void **state)
{
    struct fixture f;
    uint64_t base;

    (void)state;
    start(&f);
    (void)frames_retag(&f.frames, AT(10), AT(10), OWNER_ABSENT, OWNER_FREE);
    assert_false(frames_alloc(&f.frames, OWNER_IMAGE, 2, 1, AT(12) - 1, &base));
    assert_true(frames_alloc(&f.frames, OWNER_IMAGE, 2, 1, AT(12), &base));
    assert_int_equal(base, AT(10));
    assert_false(frames_alloc(&f.frames, OWNER_IMAGE, 9, 1, 0, &base));
    assert_true(frames_alloc(&f.frames, OWNER_IMAGE, 8, 1, UINT64_MAX, &base));
    assert_int_equal(f.frames.free_count, 0);
    assert_false(frames_alloc(&f.frames, OWNER_IMAGE, 1, 1, 0, &base));
    check_sound(&f);
}

static void refuses_bad_requests(void **state)
{
    static const owner_t nobody[] = {OWNER_FREE, OWNER_ABSENT, OWNER_WITHHELD};
    struct fixture f;
    uint64_t base = 7;

    (void)state;
    start(&f);
    (void)frames_retag(&f.frames, 0, AT(COUNT), OWNER_ABSENT, OWNER_FREE);
    assert_false(frames_alloc(&f.frames, OWNER_IMAGE, 0, 1, 0, &base));
    assert_false(frames_alloc(&f.frames, OWNER_IMAGE, 1, 0, 0, &base));
    assert_false(frames_alloc(&f.frames, OWNER_IMAGE, 1, 3, 0, &base));
    assert_false(frames_alloc(&f.frames, OWNER_IMAGE, SIZE_MAX, 1, 0, &base));
    assert_false(frames_alloc(&f.frames, OWNER_IMAGE, 1, SIZE_MAX / 2 + 1, 0, &base));
    assert_false(frames_alloc(&f.frames, OWNER_IMAGE, COUNT, 1, 0, &base));
    for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
        assert_false(frames_alloc(&f.frames, nobody[i], 1, 1, 0, &base));
        (void)frames_retag(&f.frames, AT(4), AT(1), OWNER_FREE, nobody[i]);
        assert_false(frames_free(&f.frames, nobody[i], AT(4), 1));
        (void)frames_retag(&f.frames, AT(4), AT(1), nobody[i], OWNER_FREE);
    }
    assert_int_equal(base, 7);
    assert_int_equal(f.frames.free_count, COUNT);
    check_sound(&f);
}

static void free_is_all_or_nothing(void **state)
{
    struct fixture f;
    owner_t before[COUNT];
    uint64_t base;

    (void)state;
    start(&f);
    (void)frames_retag(&f.frames, AT(1), AT(COUNT - 1), OWNER_ABSENT, OWNER_FREE);
    assert_true(frames_alloc(&f.frames, OWNER_DRIVER, 8, 1, 0, &base));
    (void)frames_retag(&f.frames, AT(4), AT(1), OWNER_DRIVER, OWNER_DRIVER + 1);
    read_owners(&f, before);
    assert_false(frames_free(&f.frames, OWNER_DRIVER, base, 8));
    assert_false(frames_free(&f.frames, OWNER_DRIVER, base, 0));
    assert_false(frames_free(&f.frames, OWNER_DRIVER, base + 1, 1));
    assert_false(frames_free(&f.frames, OWNER_DRIVER, base, SIZE_MAX));
    assert_false(frames_free(&f.frames, OWNER_DRIVER, AT(COUNT), 1));
    assert_false(frames_free(&f.frames, OWNER_DRIVER, UINT64_MAX - 4095, 1));
    check_owners(&f, before);
    assert_true(frames_free(&f.frames, OWNER_DRIVER, base, 3));
    assert_false(frames_free(&f.frames, OWNER_DRIVER, base, 3));
    check_sound(&f);
}

static void owned_covers_every_touched_frame(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    (void)frames_retag(&f.frames, AT(2), AT(2), OWNER_ABSENT, OWNER_DRIVER);
    assert_true(frames_owned(&f.frames, OWNER_DRIVER, AT(2), AT(2)));
    assert_true(frames_owned(&f.frames, OWNER_DRIVER, AT(3) + 4095, 1));
    assert_false(frames_owned(&f.frames, OWNER_DRIVER, AT(3) + 4095, 2));
    assert_false(frames_owned(&f.frames, OWNER_DRIVER, AT(2) - 1, 2));
    assert_false(frames_owned(&f.frames, OWNER_DRIVER, AT(2), 0));
    assert_false(frames_owned(&f.frames, OWNER_DRIVER, AT(2), UINT64_MAX));
    assert_false(frames_owned(&f.frames, OWNER_DRIVER, UINT64_MAX, 1));
    assert_false(frames_owned(&f.frames, OWNER_DRIVER, UINT64_MAX, UINT64_MAX));
    assert_false(frames_owned(&f.frames, OWNER_ABSENT, AT(COUNT - 1), AT(2)));
}

/* The reference: every candidate start in order, every frame of it. */
static size_t naive_find(const owner_t *tags, size_t count, size_t align, uint64_t limit)
{
    size_t end = limit != 0 && limit / FRAME_SIZE < COUNT ? (size_t)(limit / FRAME_SIZE) : COUNT;

    for (size_t first = 1; first + count <= end; first++) {
        size_t run = 0;

        while (run < count && tags[first + run] == OWNER_FREE) {
            run++;
        }
        if (run == count && first % align == 0) {
            return first;
        }
    }
    return 0;
}

static size_t below(size_t bound)
{
    return (size_t)rand() % bound;
}

/* Mostly small, else about blocks. */
static size_t some_frames(size_t bound)
{
    return below(4) ? below(bound) : FRAMES_BLOCK * below(3) + (below(2) ? below(bound) : 0);
}

/* Of a block, of a run, or anywhere. */
static size_t some_first(const owner_t *model)
{
    size_t first = below(2) ? below(COUNT) : FRAMES_BLOCK * below(3);

    while (below(2) && first > 0 && model[first - 1] == model[first]) {
        first--;
    }
    return first;
}

static void compare_alloc(struct fixture *f, owner_t *model)
{
    owner_t owner = (owner_t)(OWNER_DRIVER + below(3));
    size_t count = 1 + some_frames(9);
    size_t align = (size_t)1 << below(10);
    uint64_t limit = below(3) == 0 ? AT(below(COUNT + 20)) + below(4096) : 0;
    size_t first = naive_find(model, count, align, limit);
    uint64_t base = 0;

    assert_int_equal(frames_alloc(&f->frames, owner, count, align, limit, &base), first != 0);
    assert_int_equal(base, AT(first));
    for (size_t i = 0; first != 0 && i < count; i++) {
        model[first + i] = owner;
    }
}

static size_t run_of(const owner_t *model, size_t first)
{
    size_t end = first;

    while (end < COUNT && model[end] == model[first]) {
        end++;
    }
    return end - first;
}

static void compare_free(struct fixture *f, owner_t *model)
{
    size_t first = some_first(model);
    size_t count = 1 + (below(2) ? some_frames(6) : run_of(model, first) - 1);
    owner_t owner = model[first];
    bool legal = owner >= OWNER_DRIVER && first + count <= COUNT;

    for (size_t i = 0; legal && i < count; i++) {
        legal = model[first + i] == owner;
    }
    assert_int_equal(frames_free(&f->frames, owner, AT(first), count), legal);
    for (size_t i = 0; legal && i < count; i++) {
        model[first + i] = OWNER_FREE;
    }
}

static void compare_retag(struct fixture *f, owner_t *model)
{
    static const owner_t tags[] = {OWNER_FREE, OWNER_WITHHELD, OWNER_ABSENT, OWNER_DRIVER};
    owner_t from = tags[below(4)];
    owner_t to = tags[below(4)];
    uint64_t base = AT(some_first(model)) + (below(2) ? below(3) : 0);
    uint64_t length = AT(some_frames(6)) + (below(2) ? below(3) : 0);
    size_t changed = 0;

    for (size_t i = 0; i < COUNT; i++) {
        if (model[i] == from && AT(i) >= base && AT(i + 1) <= base + length) {
            model[i] = to;
            changed++;
        }
    }
    assert_int_equal(frames_retag(&f->frames, base, length, from, to), changed);
}

static void compare_questions(const struct fixture *f, const owner_t *model)
{
    size_t first = some_first(model);
    size_t count = 1 + some_frames(COUNT);
    size_t run = run_of(model, first);
    bool inside = first + count <= COUNT;
    size_t end = inside ? first + count : COUNT;

    assert_int_equal(frames_owned(&f->frames, model[first], AT(first), AT(count)),
                     inside && count <= run);
    assert_int_equal(frames_run(&f->frames, first, end), first + run < end ? first + run : end);
}

static void agrees_with_a_naive_reference(void **state)
{
    const char *given = getenv("FRAMES_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 0) : 20261121u;
    owner_t model[COUNT];
    struct fixture f;

    (void)state;
    print_message("FRAMES_SEED=%u\n", seed);
    srand(seed);
    start(&f);
    (void)frames_retag(&f.frames, 0, AT(COUNT), OWNER_ABSENT, OWNER_FREE);
    read_owners(&f, model);
    for (unsigned step = 0; step < 20000; step++) {
        switch (below(5)) {
        case 0:
        case 1:
            compare_alloc(&f, model);
            break;
        case 2:
        case 3:
            compare_free(&f, model);
            break;
        default:
            compare_retag(&f, model);
            break;
        }
        compare_questions(&f, model);
        if (step % 2 == 0) {
            check_owners(&f, model);
            check_sound(&f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_absent),
        cmocka_unit_test(retag_takes_whole_frames_only),
        cmocka_unit_test(gives_the_lowest_aligned_run),
        cmocka_unit_test(respects_the_limit),
        cmocka_unit_test(refuses_bad_requests),
        cmocka_unit_test(free_is_all_or_nothing),
        cmocka_unit_test(owned_covers_every_touched_frame),
        cmocka_unit_test(agrees_with_a_naive_reference),
    };

    return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
