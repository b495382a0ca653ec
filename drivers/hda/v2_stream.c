/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/hda/hda.h"

/*
 * Streams in a domain with an allocator: the buffer descriptor list is mapped by an MDL, the pages
 * of sound by a frame array in reverse order (playback) or by MDLs of a page each (capture), the
 * DMA position buffer as a contiguous range.
 */

#define SOUND_MASK                                                                                 \
    (HDA_PAGE(PAGE_SOUND) | HDA_PAGE(PAGE_SOUND + 1) | HDA_PAGE(PAGE_SOUND + 2) |                  \
     HDA_PAGE(PAGE_SOUND_LAST))

/* Where the allocator put things. */
struct layout {
    IOMMU_DMA_LOGICAL_ADDRESS buffers, position, sound[HDA_SOUND_PAGES];
};

static const struct hda_place with_buddy = {.type = DomainTypeTranslate, .buddy = true};

static bool map(struct hda *hda, IOMMU_MAP_PHYSICAL_ADDRESS what, ULONG permissions,
                IOMMU_DMA_LOGICAL_ADDRESS *given)
{
    return SUCCEEDS(hda, hda->ex2.V2.MapLogicalRangeEx(hda->domain, permissions, &what, NULL, NULL,
                                                       NULL, given));
}

static bool unmap(struct hda *hda, IOMMU_DMA_LOGICAL_ADDRESS logical, ULONGLONG pages)
{
    return SUCCEEDS(hda, hda->ex2.V2.UnmapLogicalRange(hda->domain, logical, pages));
}

/* ---- The stream's own structures ---- */

static bool run_mapped(struct hda *hda, struct layout *layout,
                       bool (*body)(struct hda *hda, struct layout *layout))
{
    struct hda_mdl storage;
    PMDL mdl = hda_mdl_build(hda, &storage, PAGE_BUFFERS, 1);

    if (!map(hda, hda_by_mdl(mdl), IOMMU_ACCESS_READ, &layout->buffers))
        return false;
    bool good = map(hda, hda_by_range(hda, PAGE_POSITION, 1), HDA_READ_WRITE, &layout->position);
    if (good) {
        good = body(hda, layout);
        good = unmap(hda, layout->position, 1) && good;
    }
    return unmap(hda, layout->buffers, 1) && good;
}

static void write_list(struct hda *hda, const struct layout *layout)
{
    struct hda_buffer *list = hda_address(hda, PAGE_BUFFERS);

    hda->salt++;
    hda_fill(hda, ~0u);
    for (unsigned i = 0; i < HDA_SOUND_PAGES; i++)
        list[i] = (struct hda_buffer){
            .address = layout->sound[i],
            .length = PAGE_SIZE,
            .flags = i == 0 || i == HDA_SOUND_PAGES - 1 ? HDA_BUFFER_IOC : 0,
        };
}

/* ---- Whole rounds ---- */

/* The count in memory is the controller's own, and neither runs ahead of the other for long. */
static bool judge_position(struct hda *hda, const struct hda_stream *stream, uint32_t counted)
{
    const struct hda_position *buffer = hda_address(hda, PAGE_POSITION);
    uint32_t written = buffer[stream->index].bytes, length = HDA_SOUND_PAGES * PAGE_SIZE;

    if (counted < PAGE_SIZE || counted >= length)
        return hda_fail(hda, "after the first page the position (LPIB) is %u", (unsigned)counted);
    return (written >= PAGE_SIZE && written < length) ||
           hda_fail(hda, "after the first page the position in memory is %u", (unsigned)written);
}

static bool play_round(struct hda *hda, struct layout *layout, bool output)
{
    struct hda_stream stream = {
        .output = output, .buffers = layout->buffers, .position = layout->position};
    uint32_t position;

    write_list(hda, layout);
    bool good = hda_stream_start(hda, &stream) && hda_stream_pass(hda, &stream, &position) &&
                judge_position(hda, &stream, position) && hda_stream_pass(hda, &stream, &position);
    good = hda_stream_stop(hda, &stream) && good;
    hda_listen_beside(hda);
    return good;
}

static bool play(struct hda *hda, struct layout *layout)
{
    PFN_NUMBER frames[HDA_SOUND_PAGES];

    for (unsigned i = 0; i < HDA_SOUND_PAGES; i++)
        frames[i] = hda_physical(hda, PAGE_SOUND_LAST - i) >> PAGE_SHIFT;
    if (!map(hda, hda_by_frames(frames, HDA_SOUND_PAGES), IOMMU_ACCESS_READ, &layout->sound[0]))
        return false;
    for (unsigned i = 1; i < HDA_SOUND_PAGES; i++)
        layout->sound[i] = layout->sound[0] + (uint64_t)i * PAGE_SIZE;
    bool good = play_round(hda, layout, true) &&
                (hda_intact(hda, HDA_PAGE(PAGE_BUFFERS) | HDA_PAGE(PAGE_POSITION)) ||
                 hda_fail(hda, "playback changed memory"));
    return unmap(hda, layout->sound[0], HDA_SOUND_PAGES) && good;
}

/* Each page by an MDL of its own; `body` runs when all are mapped. */
static bool map_sound(struct hda *hda, struct layout *layout,
                      bool (*body)(struct hda *hda, struct layout *layout))
{
    unsigned count = 0;
    bool good = true;

    for (; good && count < HDA_SOUND_PAGES; count += good) {
        struct hda_mdl storage;
        PMDL mdl = hda_mdl_build(hda, &storage, PAGE_SOUND + count, 1);
        good = map(hda, hda_by_mdl(mdl), HDA_READ_WRITE, &layout->sound[count]);
    }
    good = good && body(hda, layout);
    while (count > 0)
        good = unmap(hda, layout->sound[--count], 1) && good;
    return good;
}

/* Nothing is connected to the input: silence, in every word of every page. */
static bool is_silence(struct hda *hda, enum hda_page page)
{
    const uint64_t *words = hda_address(hda, page);

    for (size_t i = 0; i < PAGE_SIZE / sizeof(*words); i++)
        if (words[i] != 0)
            return hda_fail(hda, "word %u of page %u was not captured", (unsigned)i,
                            (unsigned)(page - PAGE_SOUND));
    return true;
}

static bool capture_all(struct hda *hda, struct layout *layout)
{
    if (!play_round(hda, layout, false))
        return false;
    for (unsigned page = PAGE_SOUND; page <= PAGE_SOUND_LAST; page++)
        if (!is_silence(hda, page))
            return false;
    return hda_intact(hda, SOUND_MASK | HDA_PAGE(PAGE_BUFFERS) | HDA_PAGE(PAGE_POSITION)) ||
           hda_fail(hda, "memory beside the sound was changed");
}

static bool capture(struct hda *hda, struct layout *layout)
{
    return map_sound(hda, layout, capture_all);
}

/* ---- Refusals ---- */

/* A stream whose second page is `refused`; the first one is passed. */
static bool stream_refused(struct hda *hda, struct layout *layout, bool output, uint64_t refused)
{
    struct hda_stream stream = {.output = output, .buffers = layout->buffers};
    uint32_t position;

    hda_expect_fault(hda, refused, HDA_NO_PAGE);
    bool good = hda_stream_start(hda, &stream) && hda_stream_pass(hda, &stream, &position);
    hda_listen(hda, TranslationFault);
    return hda_stream_stop(hda, &stream) && good;
}

/* One page goes while the others stay, and comes back in the end. */
static bool without_second(struct hda *hda, struct layout *layout,
                           bool (*body)(struct hda *hda, struct layout *layout))
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    IOMMU_MAP_PHYSICAL_ADDRESS what = hda_by_range(hda, PAGE_SOUND + 1, 1);
    IOMMU_DMA_LOGICAL_ADDRESS gone = layout->sound[1], last = gone + PAGE_SIZE - 1;

    write_list(hda, layout);
    if (!unmap(hda, gone, 1))
        return false;
    bool good = body(hda, layout);
    return SUCCEEDS(hda, v2->MapLogicalRangeEx(hda->domain, HDA_READ_WRITE, &what, NULL, &gone,
                                               &last, &layout->sound[1])) &&
           good;
}

static bool refuse_capture(struct hda *hda, struct layout *layout)
{
    if (!stream_refused(hda, layout, false, layout->sound[1]))
        return false;
    return (is_silence(hda, PAGE_SOUND) &&
            hda_intact(hda, (SOUND_MASK & ~HDA_PAGE(PAGE_SOUND + 1)) | HDA_PAGE(PAGE_BUFFERS))) ||
           hda_fail(hda, "memory was changed");
}

static bool refuse_playback(struct hda *hda, struct layout *layout)
{
    return stream_refused(hda, layout, true, layout->sound[1]) &&
           (hda_intact(hda, HDA_PAGE(PAGE_BUFFERS)) || hda_fail(hda, "playback changed memory"));
}

/* The stream is warm: it ran through the page before. */
static bool refuse_both(struct hda *hda, struct layout *layout)
{
    return without_second(hda, layout, refuse_playback) &&
           without_second(hda, layout, refuse_capture);
}

static bool refuse(struct hda *hda, struct layout *layout)
{
    return map_sound(hda, layout, refuse_both);
}

/* ---- Explicit addresses, limits ---- */

static bool limits(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    PFN_NUMBER frames[] = {hda_physical(hda, PAGE_RIRB) >> PAGE_SHIFT,
                           hda_physical(hda, PAGE_CORB) >> PAGE_SHIFT};
    IOMMU_MAP_PHYSICAL_ADDRESS what = hda_by_frames(frames, ARRAYSIZE(frames));
    IOMMU_MAP_PHYSICAL_ADDRESS foreign = hda_by_range(hda, PAGE_CORB, 2);
    IOMMU_DMA_LOGICAL_ADDRESS low = hda->logical >> 8, high = low + 2 * PAGE_SIZE - 1, given = 0;
    uint64_t corb = low + PAGE_SIZE, rirb = low;

    foreign.ContiguousRange.Base.QuadPart = 0;
    if (!GIVES(hda,
               v2->MapLogicalRangeEx(hda->domain, HDA_READ_WRITE, &what, &low, NULL, NULL, &given),
               STATUS_NOT_SUPPORTED) ||
        !GIVES(
            hda,
            v2->MapLogicalRangeEx(hda->domain, HDA_READ_WRITE, &foreign, NULL, NULL, NULL, &given),
            STATUS_ACCESS_DENIED) ||
        !SUCCEEDS(hda, v2->MapLogicalRangeEx(hda->domain, HDA_READ_WRITE, &what, NULL, &low, &high,
                                             &given)))
        return false;
    bool good = given == low || hda_fail(hda, "the only free address was not given");
    good =
        good &&
        GIVES(hda,
              v2->MapLogicalRangeEx(hda->domain, HDA_READ_WRITE, &what, NULL, &low, &high, &given),
              STATUS_INVALID_PARAMETER_MIX) &&
        hda_rings_reach(hda, corb, rirb);
    return unmap(hda, low, 2) && good && hda_rings_refused(hda, corb, rirb, corb, TranslationFault);
}

static bool map_limits(struct hda *hda)
{
    return hda_inside(hda, &with_buddy, limits);
}

/* ---- The tests ---- */

static bool playback_inside(struct hda *hda)
{
    struct layout layout;

    return run_mapped(hda, &layout, play);
}

static bool playback(struct hda *hda)
{
    return hda_inside(hda, &with_buddy, playback_inside);
}

static bool capture_inside(struct hda *hda)
{
    struct layout layout;

    return run_mapped(hda, &layout, capture);
}

static bool capturing(struct hda *hda)
{
    return hda_inside(hda, &with_buddy, capture_inside);
}

static bool refuse_inside(struct hda *hda)
{
    struct layout layout;

    return run_mapped(hda, &layout, refuse);
}

static bool refuse_streams(struct hda *hda)
{
    return hda_inside(hda, &with_buddy, refuse_inside);
}

/* Never renumbered. */
const struct hda_test hda_stream_tests[] = {
    HDA_TEST("041", map_limits),
    HDA_TEST("042", playback),
    HDA_TEST("043", capturing),
    HDA_TEST("044", refuse_streams),
};
const size_t hda_stream_count = ARRAYSIZE(hda_stream_tests);
