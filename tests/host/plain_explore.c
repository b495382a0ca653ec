/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * All states of two devices, two domains and four pages of four values each, on the driver's
 * unchanged source and a modelled unit: breadth first, so that the first failure has the shortest
 * sequence. A state is what may be reached, the entries in memory and what the unit has cached of
 * them; all that else is left of the way to it (free lists, hints, places of entries in a cache) is
 * that of the first way found. Pages are alike, and so are devices and domains: of states that
 * differ in their order alone one is kept.
 *
 * Steps are attach, detach, map and unmap of a page or of all four, and the access of a device to a
 * page. Each call is made with nobody sending meanwhile, and once for each of its moments (after a
 * store to an entry, and at each tick while it waits) with both devices trying all pages then, and
 * with their doing so at all moments.
 *
 * Then the same of two pages: beside one that stays mapped, on a unit that caches what is not
 * present, and on one whose devices have cached pages of their own.
 */
#include "tests/host/explore_faults.h"

#include <time.h>

#define DELAY  2u /* ticks: the unit is at work for a moment of each wait */
#define NO_WAY UINT32_MAX

/* ---- What makes two states the same ---- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    hash = (hash ^ hash >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
    return hash ^ hash >> 32;
}

/* `cached` by each device, or, where it does not matter by whom, as if by the first. */
struct page_parts {
    uint64_t entry[DOMAINS];
    uint64_t cached[DOMAINS][DEVICES];
};

struct parts {
    struct page_parts pages[PAGES + 1]; /* and KEPT_PAGE */
    uint64_t domain[DOMAINS], nowhere;  /* what is of a domain, and of none */
    uint64_t device[DEVICES];           /* but for the domain */
    uint8_t attached[DEVICES];
    uint8_t bound[DEVICES];                  /* the domain of its entry in memory; NOWHERE: none */
    uint8_t cached[DEVICES];                 /* the domain that the unit knows it by */
    uint64_t tables[DOMAINS][PT_LEVELS_MAX]; /* from the root on to the page's; 0: none */
};

#define TABLE_ADDRESS UINT64_C(0x000FFFFFFFFFF000)

/* Relative to the page's own place in A. One leaf for several pages stays as it is. */
static uint64_t leaf_word(uint64_t word, unsigned page)
{
    return word == 0 || (word >> 9 & 7) == 7 ? word : word - page * (uint64_t)PAGE_SIZE;
}

static void add_tables(struct parts *parts, unsigned domain)
{
    const struct pt *pt = &on.iommu.domains[domain].table;
    uint64_t *tables = parts->tables[domain];
    const uint64_t *words = model_ram(pt->root, FRAME_SIZE);

    tables[0] = pt->root;
    parts->domain[domain] = pt->leaf.key;
    for (unsigned i = 1; i < pt->geometry.levels; i++) {
        uint64_t word = words ? words[AT >> (12 + 9 * (pt->geometry.levels - i)) & 511] : 0;

        parts->domain[domain] = mix(parts->domain[domain], word & ~TABLE_ADDRESS);
        tables[i] = word & TABLE_ADDRESS;
        words = tables[i] ? model_ram(tables[i], FRAME_SIZE) : NULL;
    }
    for (unsigned page = 0; page < PAGES; page++)
        parts->pages[page].entry[domain] =
            mix(world.now.value[domain][page], words ? leaf_word(words[page], page) : 0);
}

static unsigned domain_of_id(uint16_t id)
{
    for (unsigned i = 0; i < DOMAINS; i++)
        if (on.iommu.domains[i].id == id)
            return i;
    return NOWHERE;
}

/* The order of cached entries does not matter: their hashes are added. */
static void add_leaf(struct parts *parts, unsigned domain, const struct unit_entry *leaf)
{
    const unsigned device = world.own_leaves && leaf->source == ids[1];
    const uint64_t offset = leaf->refused ? 1 : leaf->address - leaf->input;
    const uint64_t hash = mix(mix(leaf->shift, leaf->rights), offset);

    for (unsigned page = 0; page <= KEPT_PAGE; page++) {
        uint64_t at = AT + page * (uint64_t)PAGE_SIZE;

        if ((at ^ leaf->input) >> leaf->shift == 0)
            parts->pages[page].cached[domain][device] += hash;
    }
}

/* A table by its level, when it is still in use there. */
static uint64_t table_name(const struct parts *parts, unsigned domain, uint64_t address)
{
    for (unsigned i = 0; i < PT_LEVELS_MAX; i++)
        if (parts->tables[domain][i] == address && address != 0)
            return i;
    return address;
}

/* A requester's entry, but for the domain, which is the answer. */
static uint8_t add_requester(struct parts *parts, unsigned device, const struct unit_entry *entry)
{
    unsigned domain = domain_of_id(entry->domain);
    uint64_t table = domain == NOWHERE ? entry->domain ^ entry->address
                                       : table_name(parts, domain, entry->address);

    parts->device[device] = mix(mix(parts->device[device], entry->rights), table);
    return (uint8_t)domain;
}

/* A device that is detached may go by a table too, with nothing in it. */
static void add_nowhere(struct parts *parts, const struct unit_entry *entry)
{
    assert_true(entry->refused);
    parts->nowhere += mix(mix(mix(entry->domain, entry->shift), entry->rights), entry->input);
}

static void add_entry(struct parts *parts, unsigned cache, const struct unit_entry *entry)
{
    const unsigned device = entry->source == ids[1], domain = domain_of_id(entry->domain);

    if (cache == UNIT_REQUESTERS)
        parts->cached[device] = add_requester(parts, device, entry);
    else if (domain == NOWHERE)
        add_nowhere(parts, entry);
    else if (cache == UNIT_LEAVES)
        add_leaf(parts, domain, entry);
    else
        parts->domain[domain] +=
            mix(mix(mix(entry->shift, entry->rights), entry->input),
                entry->refused ? PT_LEVELS_MAX : table_name(parts, domain, entry->address));
}

static void add_caches(struct parts *parts)
{
    struct unit_cache caches[UNIT_CACHES];

    unit_caches(&on.unit, caches);
    for (unsigned i = 0; i < UNIT_CACHES; i++) {
        const char *at = caches[i].entries;

        for (unsigned n = 0; n < *caches[i].count; n++, at += caches[i].size) {
            struct unit_entry entry = unit_entry(i, at);

            if (*(const bool *)at)
                add_entry(parts, i, &entry);
        }
    }
}

static void find_parts(struct parts *parts)
{
    memset(parts, 0, sizeof *parts);
    for (unsigned i = 0; i < DOMAINS; i++)
        add_tables(parts, i);
    for (unsigned i = 0; i < DEVICES; i++) {
        const struct unit_entry entry = unit_requester(&on.unit, ids[i]);

        parts->attached[i] = world.now.domain[i];
        parts->bound[i] = add_requester(parts, i, &entry);
        parts->cached[i] = NOWHERE;
    }
    add_caches(parts);
}

static void sort(uint64_t *values, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        for (unsigned n = i; n > 0 && values[n] < values[n - 1]; n--) {
            uint64_t larger = values[n - 1];

            values[n - 1] = values[n];
            values[n] = larger;
        }
}

static uint64_t page_key(const struct page_parts *page, unsigned domain, unsigned device)
{
    return page->entry[domain] + page->cached[domain][device] + page->cached[domain][!device] * 5;
}

static uint64_t device_key(const struct parts *parts, unsigned device, const uint64_t *names)
{
    return mix(parts->device[device], names[parts->attached[device]] |
                                          names[parts->bound[device]] << 8 |
                                          names[parts->cached[device]] << 16);
}

/* With these in the places of domain 0 and device 0. */
static uint64_t key_with(const struct parts *parts, unsigned domain, unsigned device)
{
    const uint64_t names[DOMAINS + 1] = {domain, !domain, NOWHERE};
    uint64_t pages[PAGES + 1], devices[DEVICES], key = 0;

    for (unsigned i = 0; i <= KEPT_PAGE; i++)
        pages[i] = mix(page_key(&parts->pages[i], domain, device),
                       page_key(&parts->pages[i], !domain, device) * 3);
    for (unsigned i = 0; i < DEVICES; i++)
        devices[i] = device_key(parts, i ^ device, names);
    sort(pages, PAGES);
    if (!world.own_leaves)
        sort(devices, DEVICES);
    for (unsigned i = 0; i <= KEPT_PAGE; i++)
        key = mix(key, pages[i]);
    for (unsigned i = 0; i < DEVICES; i++)
        key = mix(key, devices[i]);
    key = mix(mix(key, parts->domain[domain]), parts->domain[!domain]);
    return mix(key, parts->nowhere);
}

static uint64_t key_of(const struct parts *parts)
{
    uint64_t least = UINT64_MAX;

    for (unsigned order = 0; order < DOMAINS * (world.own_leaves ? DEVICES : 1); order++) {
        uint64_t key = key_with(parts, order % DOMAINS, order / DOMAINS);

        least = key < least ? key : least;
    }
    return least;
}

/* ---- States ---- */

struct state {
    uint32_t from;
    struct step step;
    struct oracle oracle;
    uint32_t size;
    uint8_t *bytes; /* until it is expanded */
};

static struct {
    struct state *states;
    uint32_t count, room;
    uint64_t *keys; /* 0: free */
    uint64_t key_room;
    uint64_t steps;
    uint32_t way; /* the state whose step fails, */
    struct step last;
} all;

static bool is_new(uint64_t key)
{
    uint64_t at = key & (all.key_room - 1);

    for (; all.keys[at] != 0; at = (at + 1) & (all.key_room - 1))
        if (all.keys[at] == key)
            return false;
    all.keys[at] = key;
    return true;
}

static void grow(void)
{
    uint64_t *old = all.keys, room = all.key_room;

    if (all.count < all.room)
        return;
    all.room = all.room ? all.room * 2 : 1u << 16;
    all.key_room = UINT64_C(4) * all.room;
    all.states = realloc(all.states, all.room * sizeof *all.states);
    all.keys = calloc(all.key_room, sizeof *all.keys);
    assert_true(all.states && all.keys);
    for (uint64_t i = 0; i < room; i++)
        if (old[i] != 0)
            (void)is_new(old[i]);
    free(old);
}

/* Keeps the state as it is now unless it was seen before. */
static void arrive(uint32_t from, const struct step *step)
{
    static struct packed packed;
    struct parts parts;

    find_parts(&parts);
    grow();
    if (!is_new(key_of(&parts) | 1))
        return;
    pack(&packed);
    struct state *state = &all.states[all.count++];
    *state = (struct state){from, *step, world.now, (uint32_t)packed.size, malloc(packed.size)};
    assert_non_null(state->bytes);
    memcpy(state->bytes, packed.bytes, packed.size);
}

static void go_to(const struct state *state)
{
    unpack(state->bytes, state->size);
    world.now = world.then = state->oracle;
}

static void forget_states(void)
{
    for (uint32_t i = 0; i < all.count; i++)
        free(all.states[i].bytes);
    free(all.states);
    free(all.keys);
    memset(&all, 0, sizeof all);
}

/* ---- Steps from a state ---- */

/* False: it has failed. */
static bool take(uint32_t from, const struct step *step)
{
    go_to(&all.states[from]);
    make(step);
    all.steps++;
    if (world.failure[0] != 0) {
        all.way = from;
        all.last = *step;
        return false;
    }
    settle();
    arrive(from, step);
    return true;
}

/* Quietly; with accesses at all moments, which is all of a call that is refused; then at each of
 * them. */
static bool take_call(uint32_t from, struct step step)
{
    const bool possible = is_possible(&all.states[from].oracle, &step);

    if (possible && !take(from, &step))
        return false;
    step.moment = ALWAYS;
    if (!take(from, &step))
        return false;
    if (!possible)
        return true;
    unsigned moments = world.moment;
    assert_true(moments < ALWAYS);
    for (step.moment = 1; moments > 1 && step.moment <= moments; step.moment++)
        if (!take(from, &step))
            return false;
    return true;
}

/* A page before this one is the same in all: what is done to either leads to the same. */
static bool is_repeated(const struct parts *parts, unsigned page)
{
    for (unsigned i = 0; i < page; i++)
        if (memcmp(&parts->pages[i], &parts->pages[page], sizeof *parts->pages) == 0)
            return true;
    return false;
}

/* The same of devices, where none has pages of its own. */
static unsigned devices_apart(const struct parts *parts)
{
    return !world.own_leaves && parts->device[0] == parts->device[1] &&
                   parts->attached[0] == parts->attached[1] && parts->bound[0] == parts->bound[1] &&
                   parts->cached[0] == parts->cached[1]
               ? 1
               : DEVICES;
}

static bool take_pages(uint32_t from, const struct parts *parts, unsigned page)
{
    const struct oracle oracle = all.states[from].oracle;

    for (uint8_t device = 0; page != ALL_PAGES && device < devices_apart(parts); device++) {
        const struct step step = {ACCESS, .device = device, .page = (uint8_t)page};

        if (!take(from, &step))
            return false;
    }
    for (uint8_t domain = 0; domain < DOMAINS; domain++) {
        struct step step = {UNMAP, .domain = domain, .page = (uint8_t)page};

        if (!take_call(from, step))
            return false;
        step.kind = MAP;
        for (step.value = A_READ; step.value < VALUES; step.value++)
            if ((step.value == A_READ || is_possible(&oracle, &step)) && !take_call(from, step))
                return false;
    }
    return true;
}

static bool take_devices(uint32_t from, const struct parts *parts)
{
    for (uint8_t device = 0; device < devices_apart(parts); device++) {
        struct step step = {DETACH, .device = device};

        if (!take_call(from, step))
            return false;
        step.kind = ATTACH;
        for (step.domain = 0; step.domain < DOMAINS; step.domain++)
            if (!take_call(from, step))
                return false;
    }
    return true;
}

static bool expand(uint32_t from)
{
    struct parts parts;

    go_to(&all.states[from]);
    find_parts(&parts);
    for (unsigned page = 0; page <= PAGES; page++)
        if ((page == ALL_PAGES || page < world.pages) &&
            (page == ALL_PAGES || !is_repeated(&parts, page)) && !take_pages(from, &parts, page))
            return false;
    if (!take_devices(from, &parts))
        return false;
    free(all.states[from].bytes);
    all.states[from].bytes = NULL;
    return true;
}

/* ---- A world ---- */

static unsigned allocations;

/* From here on no call allocates memory, and the tables that calls take were in use before. */
static void break_in(void)
{
    static const struct step steps[] = {
        {MAP, .domain = 0, .value = A_WRITE},
        {MAP, .domain = 1, .value = A_WRITE},
        {ATTACH, .device = 0},
        {DETACH, .device = 0},
        {UNMAP, .domain = 1},
        {UNMAP, .domain = 0},
    };

    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++)
        make(&steps[i]);
    assert_string_equal(world.failure, "");
}

static void keep_page(void)
{
    for (unsigned i = 0; i < DOMAINS; i++)
        assert_int_equal(map_range(world.domains[i], AT + KEPT_PAGE * (uint64_t)PAGE_SIZE,
                                   world.memory + KEPT_FRAME * (uint64_t)PAGE_SIZE, PAGE_SIZE,
                                   READ_WRITE),
                         STATUS_SUCCESS);
}

static void make_world(const struct space *space, const struct fault *fault)
{
    struct options options = OPTIONS_DEFAULT;

    unit_set_caching(&options.unit, space->caching);
    unit_set_sharing(&options.unit, !space->own_leaves);
    start(&options);
    memset(&world, 0, sizeof world);
    world.pages = space->pages;
    world.keeps_page = space->keeps_page;
    world.own_leaves = space->own_leaves;
    for (unsigned i = 0; i < DOMAINS; i++)
        world.domains[i] = new_domain();
    for (unsigned i = 0; i < DEVICES; i++) {
        world.devices[i] = new_device((uint16_t)i);
        world.now.domain[i] = NOWHERE;
    }
    world.memory = own_pages(OWNER_ONE, FRAMES);
    world.frames = model_ram(world.memory, FRAMES * (size_t)PAGE_SIZE);
    for (unsigned i = 0; i < FRAMES; i++)
        world.frames[i * PAGE_SIZE / sizeof(uint64_t)] = i + 1;
    world.then = world.now;
    break_in();
    if (space->keeps_page)
        keep_page();
    unit_set_delay(&on.unit.broken, DELAY);
    assert_true(model_on_tick(on_tick, NULL));
    model_on_store(on_store, NULL);
    install(fault);
    remember_begin();
    allocations = model_allocations();
}

/* A call has changed something that is not copied. */
static bool leaks(void)
{
    return unknown_changes(false) != 0 || model_allocations() != allocations || !judged_strictly();
}

/* What calls change, found by many of them. */
static void learn(void)
{
    uint64_t random = 1;

    begin.line_count = 0;
    for (unsigned i = 0; i < 3000; i++) {
        random = mix(random, i);
        const struct step step = {.kind = (uint8_t)(random % STEP_KINDS),
                                  .device = (uint8_t)(random >> 8 & 1),
                                  .domain = (uint8_t)(random >> 9 & 1),
                                  .page = (uint8_t)((random >> 10) % (PAGES + 1)),
                                  .value = (uint8_t)(1 + (random >> 20) % (VALUES - 1))};

        if (!is_possible(&world.now, &step) || (step.kind == ACCESS && step.page == ALL_PAGES) ||
            (step.page != ALL_PAGES && step.page >= world.pages))
            continue;
        make(&step);
        settle();
        (void)unknown_changes(true);
    }
}

static double seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static const struct step nothing;

/* All states from here on; false: a failure. */
static bool explore(void)
{
    forget_states();
    arrive(NO_WAY, &nothing);
    for (uint32_t i = 0; i < all.count; i++) {
        if (!expand(i))
            return false;
        if (i % 4096 == 0)
            assert_false(leaks());
    }
    return true;
}

/* ---- Sequences ---- */

static void print_step(const struct step *step)
{
    static const char *const kinds[] = {"ATTACH", "DETACH", "MAP", "UNMAP", "ACCESS"};
    static const char *const values[] = {"NOT_MAPPED", "A_READ", "A_WRITE", "B_WRITE"};
    bool maps = step->kind == MAP || step->kind == UNMAP;

    print_message("    {%s", kinds[step->kind]);
    if (!maps)
        print_message(", .device = %u", step->device);
    if (maps || step->kind == ATTACH)
        print_message(", .domain = %u", step->domain);
    if (step->page == ALL_PAGES)
        print_message(", .page = ALL_PAGES");
    else if (maps || step->kind == ACCESS)
        print_message(", .page = %u", step->page);
    if (step->kind == MAP)
        print_message(", .value = %s", values[step->value]);
    if (step->moment == ALWAYS)
        print_message(", .moment = ALWAYS");
    else if (step->moment != QUIET)
        print_message(", .moment = %u", step->moment);
    print_message("},\n");
}

/* From a world that is new. False: it fails. */
static bool passes(const struct space *space, const struct step *steps, unsigned count)
{
    make_world(space, &none);
    for (unsigned i = 0; i < count && world.failure[0] == 0; i++) {
        make(&steps[i]);
        settle();
        world.then = world.now;
        judge_all("at rest");
    }
    return world.failure[0] == 0;
}

/* Steps on the way to what failed, the failing one included. */
static unsigned way(struct step *steps, unsigned room)
{
    unsigned count = 1, i;

    for (uint32_t at = all.way; all.states[at].from != NO_WAY; at = all.states[at].from)
        count++;
    assert_true(count <= room);
    steps[i = count - 1] = all.last;
    for (uint32_t at = all.way; i-- > 0; at = all.states[at].from)
        steps[i] = all.states[at].step;
    return count;
}

/* ---- Tests ---- */

#define LONGEST 32

static void all_states_of(const struct space *space)
{
    double from = seconds();

    make_world(space, &none);
    learn();
    make_world(space, &none);
    if (!explore()) {
        struct step steps[LONGEST];
        unsigned count = way(steps, LONGEST);

        print_message("in spaces[%u]:\n", (unsigned)(space - spaces));
        for (unsigned i = 0; i < count; i++)
            print_step(&steps[i]);
        fail_msg("%s", world.failure);
    }
    assert_false(leaks());
    print_message("all %u states of %u devices, %u domains and %u pages%s, those that differ in "
                  "the order of these counted once; %llu steps, %.1f s\n",
                  all.count, DEVICES, DOMAINS, space->pages, space->text,
                  (unsigned long long)all.steps, seconds() - from);
    forget_states();
}

static void all_states(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SPACES; i++)
        all_states_of(&spaces[i]);
}

/* Each is found, and what finds it passes without it. */
static void faults_are_found(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        const struct space *space = &spaces[faults[i].space];
        struct step steps[LONGEST];

        if (i == 0 || faults[i].space != faults[i - 1].space) {
            make_world(space, &none);
            learn();
        }
        make_world(space, &faults[i]);
        if (explore())
            fail_msg("not found: %s", faults[i].name);
        unsigned count = way(steps, LONGEST);
        print_message("%s: %u steps, %s\n", faults[i].name, count, world.failure);
        if (!passes(space, steps, count))
            fail_msg("without the fault: %s", world.failure);
    }
    forget_states();
}

/* Kept sequences, printed as such when they failed. */
static const struct step touched_page[] = {
    {MAP, .domain = 0, .page = 0, .value = A_READ},
    {ATTACH, .device = 0, .domain = 0},
    {ACCESS, .device = 0, .page = 0},
    {UNMAP, .domain = 0, .page = 0, .moment = ALWAYS},
    {ACCESS, .device = 0, .page = 0},
};

static void kept_sequences(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SPACES; i++)
        if (!passes(&spaces[i], touched_page, sizeof touched_page / sizeof *touched_page))
            fail_msg("%s", world.failure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_sequences),
        cmocka_unit_test(all_states),
        cmocka_unit_test(faults_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
