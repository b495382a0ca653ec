/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/describe.h"

#include "drivers/iommu/core/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void iommu_sink_line(const struct iommu_sink *sink, const char *format, ...)
{
    char text[IOMMU_LINE_MAX + 1];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    sink->line(sink->context, text);
}

bool iommu_sink_stopped(const struct iommu_sink *sink)
{
    return sink->stopped && sink->stopped(sink->context);
}

const char *iommu_rights(enum pt_permission permission)
{
    static const char *const rights[] = {"no access", "read", "write", "read and write"};

    return rights[permission];
}

/* ---- Fields ---- */

#define INDENT 4u

/* A line that grows word by word. */
struct words {
    const struct iommu_sink *sink;
    char text[IOMMU_LINE_MAX + 1];
    size_t length;
};

static void flush(struct words *words)
{
    if (words->length > INDENT)
        words->sink->line(words->sink->context, words->text);
    words->length = 0;
}

static void put_word(struct words *words, const char *word)
{
    size_t length = strlen(word);

    if (words->length + 1 + length > IOMMU_LINE_MAX)
        flush(words);
    words->length +=
        (size_t)snprintf(&words->text[words->length], sizeof words->text - words->length, "%s%s",
                         words->length ? " " : "    ", word);
}

static uint64_t ones(unsigned low, unsigned high)
{
    return UINT64_MAX >> (63 - (high - low)) << low;
}

static void put_value(struct words *words, const char *name, uint64_t value, bool address)
{
    char word[48];

    snprintf(word, sizeof word, value < 10 && !address ? "%s=%llu" : "%s=0x%llx", name,
             (unsigned long long)value);
    put_word(words, word);
}

static void put_field(struct words *words, const struct pt_field *field, uint64_t word)
{
    uint64_t value = word & ones(field->low % 64, field->high % 64);
    bool address = field->kind == PT_FIELD_ADDRESS;

    put_value(words, field->name, address ? value : value >> field->low % 64, address);
}

void iommu_show_fields(const struct iommu_sink *sink, const struct pt_layout *layout,
                       const uint64_t *words)
{
    struct words out = {.sink = sink};
    uint64_t rest[4] = {0};

    memcpy(rest, words, layout->bytes < sizeof *words ? sizeof *words : layout->bytes);
    for (unsigned i = 0; i < layout->count; i++) {
        const struct pt_field *field = &layout->fields[i];

        put_field(&out, field, words[field->low / 64]);
        rest[field->low / 64] &= ~ones(field->low % 64, field->high % 64);
    }
    for (unsigned i = 0; i < sizeof rest / sizeof *rest; i++)
        if (rest[i])
            put_value(&out, "RSVD", rest[i], true);
    flush(&out);
}

/* ---- Registers ---- */

static void read_register(const struct mmio *window, uint32_t offset, unsigned bytes,
                          uint64_t *words)
{
    if (bytes == 4)
        words[0] = mmio_read32(window, (reg32_t){offset});
    for (unsigned i = 0; i < bytes / 8; i++)
        words[i] = mmio_read64(window, (reg64_t){offset + 8 * i});
}

void iommu_visit_registers(const struct iommu_register_visitor *visitor, const struct mmio *window,
                           uint32_t base, const struct iommu_register *registers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct iommu_register *reg = &registers[i];
        uint32_t offset = base + reg->offset;
        uint64_t words[2] = {0};

        if (offset + reg->layout.bytes > window->length)
            continue;
        if (reg->use == IOMMU_REGISTER_WRITE_ONLY) {
            visitor->visit(visitor->context, reg, offset, NULL);
            continue;
        }
        read_register(window, offset, reg->layout.bytes, words);
        visitor->visit(visitor->context, reg, offset, words);
    }
}

struct listing {
    const struct iommu_sink *sink;
    bool capabilities_only;
    const struct iommu_unit *unit;
    bool any;
};

static void show_head(struct listing *listing)
{
    if (!listing->any)
        iommu_sink_line(listing->sink, "%s at 0x%llx", listing->unit->name,
                        (unsigned long long)listing->unit->base);
    listing->any = true;
}

static void list_register(void *context, const struct iommu_register *reg, uint32_t offset,
                          const uint64_t *words)
{
    struct listing *listing = context;
    const char *name = reg->layout.name;

    if (iommu_sink_stopped(listing->sink) ||
        (listing->capabilities_only && reg->use != IOMMU_REGISTER_CAPABILITY))
        return;
    show_head(listing);
    if (!words) {
        iommu_sink_line(listing->sink, "%s at 0x%03x is write-only", name, (unsigned)offset);
        return;
    }
    if (reg->layout.bytes == 16)
        iommu_sink_line(listing->sink, "%s at 0x%03x = 0x%016llx_%016llx", name, (unsigned)offset,
                        (unsigned long long)words[1], (unsigned long long)words[0]);
    else
        iommu_sink_line(listing->sink, "%s at 0x%03x = 0x%0*llx", name, (unsigned)offset,
                        2 * reg->layout.bytes, (unsigned long long)words[0]);
    iommu_show_fields(listing->sink, &reg->layout, words);
}

static bool list_registers(const struct iommu *iommu, unsigned index, struct listing *listing)
{
    const struct iommu_register_visitor visitor = {list_register, listing};

    if (index >= iommu->unit_count)
        return false;
    listing->unit = &iommu->units[index];
    listing->unit->ops->registers(listing->unit, &visitor);
    return listing->any;
}

bool iommu_show_registers(struct iommu *iommu, unsigned unit, const struct iommu_sink *sink)
{
    struct listing listing = {.sink = sink};

    return list_registers(iommu, unit, &listing);
}

/* Bits of a set, in words. */
static const char *sizes_of(uint8_t leaf_levels, char *text, size_t size)
{
    static const char *const names[] = {"", " 4K", " 2M", " 1G", " 512G", " 256T"};
    size_t length = 0;

    text[0] = '\0';
    for (unsigned n = 1; n < sizeof names / sizeof *names; n++)
        if (leaf_levels >> n & 1)
            length += (size_t)snprintf(&text[length], size - length, "%s", names[n]);
    return text;
}

static void show_summary(const struct iommu_unit *unit, const struct iommu_sink *sink)
{
    const struct iommu_unit_caps *caps = &unit->caps;
    char sizes[32];

    iommu_sink_line(sink, "%s: %u-bit addresses to %u bits of memory, pages of%s", unit->name,
                    caps->width, caps->physical_width,
                    sizes_of(caps->leaf_levels, sizes, sizeof sizes));
    iommu_sink_line(sink, "    %u domain ids, %s walks, pass-through %s",
                    (unsigned)caps->domain_ids, caps->coherent ? "coherent" : "non-coherent",
                    caps->pass_through ? "offered" : "not offered");
    iommu_sink_line(sink, "    %s after a map",
                    caps->flush_on_map ? "invalidation needed" : "no invalidation");
}

bool iommu_show_capabilities(struct iommu *iommu, unsigned unit, const struct iommu_sink *sink)
{
    struct listing listing = {.sink = sink, .capabilities_only = true};

    if (!list_registers(iommu, unit, &listing))
        return false;
    if (iommu->units[unit].caps.domain_ids)
        show_summary(&iommu->units[unit], sink);
    return true;
}
