/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/hda/hda.h"

#include <driver_io.h>

#define HDA_BAR        0
#define HDA_BAR_LENGTH 0x180
#define HDA_GONE       0xFFFFu

/* Codecs have 521 us to say that they are there ("Codec Discovery"); rings and resets less. */
#define CODEC_NS    UINT64_C(10000000)
#define REGISTER_NS UINT64_C(10000000)

/* ---- Waits for a bit ---- */

struct bits {
    const struct driver_window *registers;
    size_t offset;
    uint32_t mask, value;
    unsigned width;
};

static bool bits_are(void *context)
{
    const struct bits *bits = context;
    uint32_t now = bits->width == 8    ? driver_read8(bits->registers, bits->offset)
                   : bits->width == 16 ? driver_read16(bits->registers, bits->offset)
                                       : driver_read32(bits->registers, bits->offset);

    return (now & bits->mask) == bits->value;
}

static bool wait_bits(struct hda *hda, size_t offset, unsigned width, uint32_t mask, uint32_t value)
{
    struct bits bits = {&hda->registers, offset, mask, value, width};

    return hda_wait(hda, bits_are, &bits, REGISTER_NS) ||
           hda_fail(hda, "register 0x%02x did not become 0x%x in 0x%x", (unsigned)offset,
                    (unsigned)value, (unsigned)mask);
}

/* ---- Commands without DMA: "Immediate Command Input and Output Registers" ---- */

bool hda_immediate(struct hda *hda, uint32_t verb, uint32_t *response)
{
    if (!wait_bits(hda, HDA_ICIS, 16, HDA_ICIS_ICB, 0))
        return false;
    driver_write16(&hda->registers, HDA_ICIS, HDA_ICIS_IRV);
    driver_write32(&hda->registers, HDA_ICOI, verb);
    driver_write16(&hda->registers, HDA_ICIS, HDA_ICIS_ICB);
    if (!wait_bits(hda, HDA_ICIS, 16, HDA_ICIS_ICB | HDA_ICIS_IRV, HDA_ICIS_IRV))
        return false;
    *response = driver_read32(&hda->registers, HDA_ICII);
    return true;
}

static bool parameter(struct hda *hda, unsigned node, enum hda_parameter which, uint32_t *value)
{
    return hda_immediate(hda, HDA_VERB(hda->codec, node, HDA_GET_PARAMETER, which), value);
}

/* ---- Discovery ---- */

static bool find_converters(struct hda *hda, unsigned function)
{
    uint32_t nodes, widget;

    if (!parameter(hda, function, HDA_PARAMETER_NODES, &nodes))
        return false;
    for (unsigned i = 0; i < HDA_NODES_COUNT(nodes); i++) {
        unsigned node = HDA_NODES_FIRST(nodes) + i;
        if (!parameter(hda, node, HDA_PARAMETER_WIDGET, &widget))
            return false;
        if (HDA_WIDGET_TYPE(widget) == HDA_WIDGET_OUTPUT && hda->output == 0)
            hda->output = node;
        if (HDA_WIDGET_TYPE(widget) == HDA_WIDGET_INPUT && hda->input == 0)
            hda->input = node;
    }
    return (hda->output != 0 && hda->input != 0) ||
           hda_fail(hda, "the codec lacks a converter of either direction");
}

static bool find_audio(struct hda *hda)
{
    uint32_t nodes, type;

    if (!parameter(hda, 0, HDA_PARAMETER_NODES, &nodes))
        return false;
    for (unsigned i = 0; i < HDA_NODES_COUNT(nodes); i++) {
        unsigned node = HDA_NODES_FIRST(nodes) + i;
        if (!parameter(hda, node, HDA_PARAMETER_FUNCTION, &type))
            return false;
        if (HDA_FUNCTION_TYPE(type) == HDA_FUNCTION_AUDIO)
            return find_converters(hda, node);
    }
    return hda_fail(hda, "the codec has no audio function");
}

static bool codec_is_there(void *context)
{
    const struct hda *hda = context;
    return driver_read16(&hda->registers, HDA_STATESTS) != 0;
}

static bool find_codec(struct hda *hda)
{
    if (!hda_wait(hda, codec_is_there, hda, CODEC_NS))
        return hda_fail(hda, "no codec is connected");
    uint16_t codecs = driver_read16(&hda->registers, HDA_STATESTS);
    while ((codecs >> hda->codec & 1) == 0)
        hda->codec++;
    driver_write16(&hda->registers, HDA_STATESTS, codecs);
    return find_audio(hda);
}

/* ---- Reset ---- */

static bool reset(struct hda *hda)
{
    driver_write32(&hda->registers, HDA_GCTL, 0);
    if (!wait_bits(hda, HDA_GCTL, 32, HDA_GCTL_CRST, 0))
        return false;
    driver_write32(&hda->registers, HDA_GCTL, HDA_GCTL_CRST);
    return wait_bits(hda, HDA_GCTL, 32, HDA_GCTL_CRST, HDA_GCTL_CRST);
}

bool hda_open(struct hda *hda)
{
    struct driver_device *device = hda->device;

    if (!device->services->window_map(device, HDA_BAR, &hda->registers) ||
        hda->registers.length < HDA_BAR_LENGTH)
        return hda_fail(hda, "BAR %d is not usable", HDA_BAR);
    uint16_t capabilities = driver_read16(&hda->registers, HDA_GCAP);
    hda->inputs = HDA_GCAP_INPUTS(capabilities);
    hda->outputs = HDA_GCAP_OUTPUTS(capabilities);
    if (capabilities == HDA_GONE || (capabilities & HDA_GCAP_64OK) == 0)
        return hda_fail(hda, "the controller lacks 64-bit addresses (GCAP 0x%04x)", capabilities);
    if (hda->inputs == 0 || hda->outputs == 0)
        return hda_fail(hda, "the controller lacks a stream of either direction");
    return reset(hda) && find_codec(hda);
}

/* In reset the controller has no DMA under way. */
void hda_close(struct hda *hda)
{
    if (hda->registers.length >= HDA_BAR_LENGTH)
        driver_write32(&hda->registers, HDA_GCTL, 0);
}

/* ---- The rings: "Command Outbound Ring Buffer", "Response Inbound Ring Buffer" ---- */

static bool reset_pointers(struct hda *hda)
{
    const struct driver_window *registers = &hda->registers;

    driver_write16(registers, HDA_CORBRP, HDA_CORBRP_RST);
    if (!wait_bits(hda, HDA_CORBRP, 16, HDA_CORBRP_RST, HDA_CORBRP_RST))
        return false;
    driver_write16(registers, HDA_CORBRP, 0);
    if (!wait_bits(hda, HDA_CORBRP, 16, HDA_CORBRP_RST, 0))
        return false;
    driver_write16(registers, HDA_CORBWP, 0);
    driver_write16(registers, HDA_RIRBWP, HDA_RIRBWP_RST);
    driver_write8(registers, HDA_RIRBSTS, HDA_RIRBSTS_ALL);
    hda->command = 0;
    return true;
}

/* An interrupt is asked for after each response and kept from the processor by INTCTL: its status
 * bit makes a controller that waits for it go on. */
bool hda_rings_start(struct hda *hda, uint64_t corb, uint64_t rirb)
{
    const struct driver_window *registers = &hda->registers;

    if (!HDA_RING_CAP_256(driver_read8(registers, HDA_CORBSIZE)) ||
        !HDA_RING_CAP_256(driver_read8(registers, HDA_RIRBSIZE)))
        return hda_fail(hda, "the controller lacks rings of 256 entries");
    if (!hda_rings_stop(hda))
        return false;
    driver_write8(registers, HDA_CORBSIZE, HDA_RING_256);
    driver_write8(registers, HDA_RIRBSIZE, HDA_RING_256);
    driver_write32(registers, HDA_CORBLBASE, (uint32_t)corb);
    driver_write32(registers, HDA_CORBUBASE, (uint32_t)(corb >> 32));
    driver_write32(registers, HDA_RIRBLBASE, (uint32_t)rirb);
    driver_write32(registers, HDA_RIRBUBASE, (uint32_t)(rirb >> 32));
    if (!reset_pointers(hda))
        return false;
    driver_write16(registers, HDA_RINTCNT, 1);
    driver_write32(registers, HDA_INTCTL, 0);
    driver_write8(registers, HDA_RIRBCTL, HDA_RIRBCTL_DMAEN | HDA_RIRBCTL_RINTCTL);
    driver_write8(registers, HDA_CORBCTL, HDA_CORBCTL_RUN);
    return wait_bits(hda, HDA_CORBCTL, 8, HDA_CORBCTL_RUN, HDA_CORBCTL_RUN);
}

bool hda_rings_stop(struct hda *hda)
{
    driver_write8(&hda->registers, HDA_CORBCTL, 0);
    driver_write8(&hda->registers, HDA_RIRBCTL, 0);
    return wait_bits(hda, HDA_CORBCTL, 8, HDA_CORBCTL_RUN, 0) &&
           wait_bits(hda, HDA_RIRBCTL, 8, HDA_RIRBCTL_DMAEN, 0);
}

bool hda_command(struct hda *hda, uint32_t verb, struct hda_response *response)
{
    uint32_t *corb = hda_address(hda, PAGE_CORB);
    const struct hda_response *rirb = hda_address(hda, PAGE_RIRB);
    uint16_t next = (uint16_t)((hda->command + 1u) % HDA_RING_ENTRIES);
    struct bits answered = {&hda->registers, HDA_RIRBWP, 0xFF, next, 16};

    hda->command = next;
    corb[next] = verb;
    driver_barrier();
    driver_write16(&hda->registers, HDA_CORBWP, next);
    bool came = hda_wait(hda, bits_are, &answered, REGISTER_NS);
    driver_write8(&hda->registers, HDA_RIRBSTS, HDA_RIRBSTS_ALL);
    driver_barrier();
    *response = rirb[next];
    return came;
}
