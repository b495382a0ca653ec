/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/hda/hda.h"

#include <driver_io.h>

/* A tag names the stream on the link; 0 is no stream. */
#define STREAM_TAG 1u

/* All pages take 85 ms. */
#define STREAM_NS UINT64_C(2000000000)
/* A state that nobody waits for may be over before it is seen. */
#define RESET_NS UINT64_C(100000)
#define POLL_NS  UINT64_C(1000000)

struct descriptor {
    const struct driver_window *registers;
    size_t offset;
};

static bool is_in_reset(void *context)
{
    const struct descriptor *one = context;
    return (driver_read8(one->registers, one->offset) & HDA_SDCTL_SRST) != 0;
}

static bool is_out_of_reset(void *context)
{
    return !is_in_reset(context);
}

static bool is_stopped(void *context)
{
    const struct descriptor *one = context;
    return (driver_read8(one->registers, one->offset) & HDA_SDCTL_RUN) == 0;
}

/* Some models end the reset by themselves: it is not seen then. */
static bool reset(struct hda *hda, size_t offset)
{
    struct descriptor one = {&hda->registers, offset + HDA_SDCTL};

    driver_write8(&hda->registers, one.offset, HDA_SDCTL_SRST);
    bool entered = hda_wait(hda, is_in_reset, &one, RESET_NS);
    driver_write8(&hda->registers, one.offset, 0);
    return hda_wait(hda, is_out_of_reset, &one, STREAM_NS) ||
           hda_fail(hda, "a stream %s", entered ? "stays in reset" : "does not reset");
}

static bool connect(struct hda *hda, const struct hda_stream *stream, unsigned tag)
{
    unsigned node = stream->output ? hda->output : hda->input;
    uint32_t response;

    return hda_immediate(hda, HDA_FORMAT_VERB(hda->codec, node, HDA_FORMAT_48K_16_STEREO),
                         &response) &&
           hda_immediate(hda, HDA_VERB(hda->codec, node, HDA_SET_CONVERTER, tag << 4), &response);
}

static void set_position_buffer(struct hda *hda, uint64_t logical)
{
    uint32_t enable = logical != 0 ? HDA_DPLBASE_ENABLE : 0;

    driver_write32(&hda->registers, HDA_DPUBASE, (uint32_t)(logical >> 32));
    driver_write32(&hda->registers, HDA_DPLBASE, (uint32_t)logical | enable);
}

/* "Starting Streams". */
bool hda_stream_start(struct hda *hda, struct hda_stream *stream)
{
    const struct driver_window *registers = &hda->registers;

    stream->index = stream->output ? hda->inputs : 0;
    stream->registers = HDA_STREAMS + stream->index * (size_t)HDA_STREAM_STRIDE;
    size_t base = stream->registers;
    if (base + HDA_STREAM_STRIDE > registers->length)
        return hda_fail(hda, "BAR 0 does not hold the stream descriptors");
    if (!reset(hda, base) || !connect(hda, stream, STREAM_TAG))
        return false;
    driver_write32(registers, base + HDA_SDBDPL, (uint32_t)stream->buffers);
    driver_write32(registers, base + HDA_SDBDPU, (uint32_t)(stream->buffers >> 32));
    driver_write32(registers, base + HDA_SDCBL, HDA_SOUND_PAGES * PAGE_SIZE);
    driver_write16(registers, base + HDA_SDLVI, HDA_SOUND_PAGES - 1);
    driver_write16(registers, base + HDA_SDFMT, HDA_FORMAT_48K_16_STEREO);
    driver_write8(registers, base + HDA_SDCTL_TAG, STREAM_TAG << 4);
    driver_write8(registers, base + HDA_SDSTS, HDA_SDSTS_ALL);
    set_position_buffer(hda, stream->position);
    driver_barrier();
    driver_write8(registers, base + HDA_SDCTL, HDA_SDCTL_RUN);
    return true;
}

bool hda_stream_stop(struct hda *hda, struct hda_stream *stream)
{
    struct descriptor one = {&hda->registers, stream->registers + HDA_SDCTL};

    driver_write8(&hda->registers, one.offset, 0);
    bool stopped =
        hda_wait(hda, is_stopped, &one, STREAM_NS) || hda_fail(hda, "a stream does not stop");
    set_position_buffer(hda, 0);
    return connect(hda, stream, 0) && stopped;
}

static bool is_passed(void *context)
{
    const struct descriptor *one = context;
    return (driver_read8(one->registers, one->offset) & HDA_SDSTS_BCIS) != 0;
}

/* Nothing wakes a waiter when the bit is set: it looks at least every POLL_NS. */
bool hda_stream_pass(struct hda *hda, struct hda_stream *stream, uint32_t *position)
{
    const struct driver_services *services = hda->device->services;
    struct descriptor one = {&hda->registers, stream->registers + HDA_SDSTS};
    uint64_t end = services->now_ns(hda->device) + STREAM_NS;

    while (!hda_wait(hda, is_passed, &one, POLL_NS))
        if (services->now_ns(hda->device) > end)
            return hda_fail(hda, "the stream does not advance");
    *position = driver_read32(&hda->registers, stream->registers + HDA_SDLPIB);
    driver_write8(&hda->registers, one.offset, HDA_SDSTS_BCIS);
    return true;
}
