/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Random sequences of more than four calls of the domain API, on the implementation with its
 * modelled unit and on the reference model. Built twice: with sanitizers, when it does a tenth, and
 * without, when it makes at least ten million calls.
 *
 * SEED= and a sequence's number determine it. SEQUENCES= is how many are made, and then FIRST= the
 * number of the first.
 */
#include "tests/host/api_failure.h"
#include "tests/host/every.h"

#include <sys/wait.h>
#include <unistd.h>

#ifdef MODEL_ASAN
#define SEQUENCE_COUNT (1000000 / EVERY / UNIT_EFFORT)
#define LEAST_CALLS    (1000000 / EVERY)
#else
#define SEQUENCE_COUNT (10000000 / UNIT_EFFORT)
#define LEAST_CALLS    10000000
#endif
#define PARTS           2
#define SHORTEST        5
#define LONGEST         120
#define PER_WORLD       (SEQUENCE_COUNT / (4 * WORLDS))
#define DOMAINS_BUSY    8 /* live at once */
#define DOMAINS_CROWDED 22
#define TOKENS_BUSY     24
#define RW              3

/* ---- Chance ---- */

static uint64_t random_state;

static uint64_t random64(void)
{
    uint64_t mixed = random_state += UINT64_C(0x9E3779B97F4A7C15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}

static uint8_t below(size_t limit)
{
    return (uint8_t)(random64() % limit);
}

static bool one_in(unsigned n)
{
    return random64() % n == 0;
}

/* ---- One call ---- */

/* How often each is drawn. */
static const uint8_t weights[OPERATION_COUNT] = {
    [CREATE_DOMAIN] = 8,
    [DELETE_DOMAIN] = 4,
    [CREATE_DEVICE] = 5,
    [DELETE_DEVICE] = 2,
    [ATTACH] = 4,
    [ATTACH_EX] = 8,
    [DETACH] = 2,
    [DETACH_EX] = 3,
    [MAP] = 8,
    [MAP_EX] = 22,
    [UNMAP] = 14,
    [MAP_IDENTITY] = 2,
    [MAP_IDENTITY_EX] = 6,
    [UNMAP_IDENTITY] = 2,
    [UNMAP_IDENTITY_EX] = 4,
    [RESERVE] = 10,
    [FREE_RESERVED] = 5,
    [MAP_RESERVED] = 12,
    [UNMAP_RESERVED] = 8,
    [CONFIGURE] = 1,
    [FLUSH] = 1,
    [FLUSH_LIST] = 1,
    [QUERY_MAPPINGS] = 1,
    [QUERY_TYPES] = 2,
    [REGISTER] = 3,
    [UNREGISTER] = 2,
    [FAULT_REPORTING] = 4,
    [QUERY_INFO] = 1,
    [FAULT_REPORTING_EX] = 1,
    [PASID] = 1,
    [SET_GUARD] = 3,
    [DMA] = 10,
};

static enum operation any_operation(void)
{
    unsigned total = 0, drawn;

    for (unsigned i = 0; i < OPERATION_COUNT; i++)
        total += weights[i];
    drawn = (unsigned)(random64() % total);
    for (unsigned i = 0; i < OPERATION_COUNT; i++) {
        if (drawn < weights[i])
            return (enum operation)i;
        drawn -= weights[i];
    }
    return DMA;
}

static uint8_t any_variant(enum operation operation)
{
    switch (operation) {
    case CREATE_DOMAIN:
        return one_in(6) ? below(CONFIGS) : below(12);
    case CREATE_DEVICE:
        return one_in(20) ? below(4) : 0;
    case MAP_EX:
    case RESERVE:
        return one_in(3) ? NO_EXPLICIT : EXPLICIT;
    case REGISTER:
    case UNREGISTER:
        return one_in(20) ? 2 : below(2);
    case FAULT_REPORTING:
        return one_in(8) ? below(5) : below(3);
    case UNMAP_RESERVED:
        return one_in(3);
    case CONFIGURE:
    case PASID:
        return below(4);
    default:
        return below(2);
    }
}

/* Mostly one with an object in it. */
static uint8_t any_slot(enum kind kind, unsigned usual)
{
    uint8_t drawn = (uint8_t)(1 + below(usual));

    if (one_in(16))
        return below(slot_count[kind]);
    for (unsigned i = 0; i < 3 && world.slots[kind][drawn].real == NULL; i++)
        drawn = (uint8_t)(1 + drawn % usual);
    return drawn;
}

static uint8_t any_permissions(void)
{
    if (one_in(40))
        return (uint8_t)(4 + below(28));
    return one_in(3) ? below(4) : RW;
}

/* Within the first pages of a token, or anywhere. */
static uint8_t any_place(enum operation operation)
{
    if (operation == MAP_RESERVED || operation == UNMAP_RESERVED)
        return below(one_in(8) ? 8 : 3);
    return one_in(3) ? below(ADDRESSES) : below(one_in(2) ? 16 : 4);
}

static uint8_t any_flaw(enum operation operation)
{
    if (operation == DMA)
        return below(2);
    return one_in(24) ? (uint8_t)(1 + below(5)) : 0;
}

/* Mostly right arguments: wrong ones end a call early. */
static struct call any_call(enum operation operation)
{
    bool born = operation == CREATE_DOMAIN || operation == CREATE_DEVICE;
    struct call call = {.operation = operation};

    call.who = one_in(12);
    call.domain = born ? (uint8_t)(1 + below(4)) : any_slot(DOMAINS, 4);
    call.device =
        born || one_in(4) ? (uint8_t)(1 + below(FUNCTIONS)) : any_slot(DEVICES, FUNCTIONS);
    if (operation == CREATE_DEVICE && one_in(16))
        call.device = below(DEVICE_SLOTS);
    call.token = any_slot(TOKENS, 3);
    call.segment = below(SEGMENTS);
    call.variant = any_variant(operation);
    call.at = any_place(operation);
    call.pages = one_in(30) ? below(REF_FRAMES + 1) : (uint8_t)(1 + below(3));
    call.memory = one_in(12) ? below(FRAME_KINDS) : below(OWN_FRAMES - 2);
    call.step = one_in(4) ? below(4) : 1;
    call.form = one_in(16) ? below(FORM_COUNT) : below(3);
    call.permissions = any_permissions();
    call.limits = one_in(4) ? below(LIMITS) : 0;
    call.flaw = any_flaw(operation);
    return call;
}

/* ---- One sequence ---- */

/* Some page of what the call spoke of, or another. */
static void probe_about(const struct call *call)
{
    uint64_t page = one_in(2) ? address_at(call->at + below(call->pages + 1u)) >> PAGE_SHIFT
                              : watched[random64() % watched_count];

    if (page < 0xFEE00 || page > 0xFEEFF)
        probe(below(REQUESTERS), page, one_in(2));
}

static void make_call(struct call call, unsigned most_domains)
{
    if ((call.operation == CREATE_DOMAIN && world.live_count[DOMAINS] >= most_domains) ||
        (call.operation == RESERVE && world.live_count[TOKENS] >= TOKENS_BUSY))
        call.operation = DMA;
    remember(&call);
    if (run(&call))
        probe_about(&call);
}

/* Most sequences begin with what others need. */
static void open_sequence(unsigned most_domains)
{
    static const enum operation opening[] = {CREATE_DOMAIN, CREATE_DEVICE, ATTACH_EX};

    if (one_in(6))
        make_call(any_call(SET_GUARD), most_domains);
    for (unsigned i = 0; i < sizeof opening / sizeof *opening && world.failure[0] == 0; i++) {
        if (!one_in(5))
            make_call(any_call(opening[i]), most_domains);
    }
}

static unsigned any_length(void)
{
    if (one_in(128))
        return SHORTEST + below(LONGEST - SHORTEST);
    return SHORTEST + below(5);
}

static void crowd_with_domains(void)
{
    static const struct call another[] = {{CREATE_DOMAIN, .domain = 1, .variant = 7},
                                          {CREATE_DOMAIN, .domain = 1, .variant = 2}};

    for (unsigned i = 0; i < DOMAINS_CROWDED && world.failure[0] == 0; i++)
        make_call(another[one_in(8)], DOMAINS_CROWDED);
}

/* All that it draws follows from the seed and its number. */
static void random_sequence(unsigned kind, uint64_t seed, uint64_t number)
{
    random_state = (seed ^ number << 32) * UINT64_C(0xD1342543DE82EF95) + number;
    unsigned length = any_length();
    unsigned most = one_in(4096) ? DOMAINS_CROWDED : DOMAINS_BUSY;

    history_count = 0;
    if (most == DOMAINS_CROWDED)
        crowd_with_domains();
    else
        open_sequence(most);
    while (history_count < length && world.failure[0] == 0)
        make_call(any_call(any_operation()), most);
    if (one_in(length > 2 * SHORTEST ? 1 : 64))
        sweep(watched, watched_count, watched_requesters);
    if (world.failure[0] != 0 || !clear_world()) {
        print_message("SEED=%llu FIRST=%llu SEQUENCES=1\n", (unsigned long long)seed,
                      (unsigned long long)number);
        give_up(kind);
    }
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *given = getenv(name);

    return given ? strtoull(given, NULL, 0) : otherwise;
}

static void make_sequences(uint64_t seed, uint64_t first, uint64_t count)
{
    double begin = seconds();
    size_t frames = 0;

    for (uint64_t number = first; number < first + count; number++) {
        unsigned kind = (unsigned)(number / PER_WORLD % WORLDS);

        if (number == first || number % PER_WORLD == 0) {
            new_world(kind);
            watch_everything(kind);
            frames = model_frames_owned(OWNER_IOMMU);
        }
        random_sequence(kind, seed, number);
        if (number % PER_WORLD == PER_WORLD - 1)
            judge_frames(frames);
    }
    print_message("%llu sequences of %u to %u calls, %u calls, %.1f s\n", (unsigned long long)count,
                  SHORTEST, LONGEST, calls_made, seconds() - begin);
}

/* In a process of its own, since a program has one modelled machine. */
static pid_t start_part(uint64_t seed, uint64_t first, uint64_t count)
{
    (void)fflush(NULL);
    pid_t child = fork();

    if (child != 0)
        return child;
    make_sequences(seed, first, count);
    (void)fflush(NULL);
    _exit(calls_made < LEAST_CALLS / PARTS);
}

static void random_sequences(void **state)
{
    uint64_t seed = setting("SEED", 20261121), count = setting("SEQUENCES", SEQUENCE_COUNT);
    pid_t parts[PARTS];
    bool passed = true;

    (void)state;
    print_message("SEED=%llu\n", (unsigned long long)seed);
    if (count != SEQUENCE_COUNT) {
        make_sequences(seed, setting("FIRST", 0), count);
        return;
    }
    for (unsigned i = 0; i < PARTS; i++)
        parts[i] = start_part(seed, count / PARTS * i, count / PARTS);
    for (unsigned i = 0; i < PARTS; i++) {
        int status = 0;

        passed &= parts[i] > 0 && waitpid(parts[i], &status, 0) == parts[i] && status == 0;
    }
    assert_true(passed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_sequences)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
