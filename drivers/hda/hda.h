/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_HDA_HDA_H
#define DRIVERS_HDA_HDA_H

#include "drivers/hda/spec.h"

#include <driver.h>

/*
 * An Intel High Definition Audio controller, and the whole domain API tried on it by a driver that
 * knows the API from its documentation. Memory is the judge of HDA-nnn: a transfer counts when
 * memory and the codec show it, a refusal when memory is as it was. HDA-FAULT-nnn is whether the
 * fault of each of its refusals was heard, and no other.
 */

/* The driver's memory: contiguous, each page with a canary of its own until a device writes it. */
enum hda_page {
    PAGE_GUARD_FIRST,
    PAGE_CORB,
    PAGE_RIRB,
    PAGE_BUFFERS, /* the buffer descriptor list */
    PAGE_POSITION,
    PAGE_SOUND,
    PAGE_SOUND_LAST = PAGE_SOUND + 3,
    PAGE_GUARD_LAST,
    HDA_PAGES,
};

#define HDA_SOUND_PAGES 4u
#define HDA_PAGE(page)  (1u << (page)) /* in a set of pages */
#define HDA_READ_WRITE  (IOMMU_ACCESS_READ | IOMMU_ACCESS_WRITE)

/* An MDL with room for the frames of all pages. */
struct hda_mdl {
    _Alignas(MDL) UCHAR bytes[sizeof(MDL) + HDA_PAGES * sizeof(PFN_NUMBER)];
};

/* What was heard of refused accesses. Records of tolerated pages may still come: of what was
 * expected before, and of the other ring when the first one is out of reach. */
struct hda_faults {
    bool reporting;        /* the API's handler is set */
    uint64_t page;         /* the one whose refusal is expected; HDA_NO_PAGE: none */
    uint64_t tolerated[2]; /* pages */
    unsigned by_handler, by_record;
    unsigned unexpected;
    uint64_t unexpected_page;
    bool outside_wait; /* the handler ran while the driver did */
    FAULT_INFORMATION information;
    bool missed;     /* one was not heard in time: those that follow are not waited for as long */
    char error[160]; /* why what was heard in the present test is not right */
};
#define HDA_NO_PAGE UINT64_MAX

struct hda {
    struct driver_device *device;
    struct driver_window registers;
    struct driver_memory memory;
    uint64_t logical; /* where explicit mappings begin: nobody's physical address here */
    uint32_t salt;
    unsigned inputs, outputs; /* stream descriptors */
    unsigned codec;           /* its address */
    unsigned output, input;   /* nodes of its converters */
    uint8_t nonce;
    uint16_t command; /* entry of the last command in either ring */
    DMA_IOMMU_INTERFACE legacy;
    DMA_IOMMU_INTERFACE_EX ex1, ex2;
    PIOMMU_DMA_DOMAIN domain;
    PIOMMU_DMA_DEVICE dma;
    bool waiting;
    struct hda_faults faults;
    char error[160]; /* why the present test fails */
};

/* Keeps the first reason. Returns false, for the caller to return. */
bool hda_fail(struct hda *hda, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same of what was heard. */
void hda_misheard(struct hda *hda, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True: the call returned what it should. */
bool hda_gives(struct hda *hda, const char *call, NTSTATUS status, NTSTATUS wanted)
    __attribute__((warn_unused_result));
#define GIVES(hda, call, wanted) hda_gives(hda, #call, call, wanted)
#define SUCCEEDS(hda, call)      hda_gives(hda, #call, call, STATUS_SUCCESS)

/* Every wait of this driver. */
bool hda_wait(struct hda *hda, bool (*ready)(void *context), void *context, uint64_t timeout_ns)
    __attribute__((warn_unused_result));

/* ---- controller.c ---- */

/* Resets the controller and finds a codec with converters of both directions. */
bool hda_open(struct hda *hda) __attribute__((warn_unused_result));
void hda_close(struct hda *hda);

/* A command without DMA. */
bool hda_immediate(struct hda *hda, uint32_t verb, uint32_t *response)
    __attribute__((warn_unused_result));

/* The rings of PAGE_CORB and PAGE_RIRB, as the controller reaches them. */
bool hda_rings_start(struct hda *hda, uint64_t corb, uint64_t rirb)
    __attribute__((warn_unused_result));
bool hda_rings_stop(struct hda *hda) __attribute__((warn_unused_result));

/* A command by the rings. False: no answer was counted; what is in memory is not judged. */
bool hda_command(struct hda *hda, uint32_t verb, struct hda_response *response)
    __attribute__((warn_unused_result));

/* ---- stream.c ---- */

struct hda_stream {
    bool output;
    uint64_t buffers;  /* the buffer descriptor list, logical */
    uint64_t position; /* the DMA position buffer, logical; 0: none */
    size_t registers;  /* offset of its descriptor */
    unsigned index;
};

/* Runs the first stream of its direction round the HDA_SOUND_PAGES of the list; it says so after
 * the first page and after the last one. */
bool hda_stream_start(struct hda *hda, struct hda_stream *stream)
    __attribute__((warn_unused_result));
bool hda_stream_stop(struct hda *hda, struct hda_stream *stream)
    __attribute__((warn_unused_result));
/* Waits until it says so, and lets it go on. *position: its own count before that. */
bool hda_stream_pass(struct hda *hda, struct hda_stream *stream, uint32_t *position)
    __attribute__((warn_unused_result));

/* ---- memory.c ---- */

bool hda_memory_open(struct hda *hda) __attribute__((warn_unused_result));
void *hda_address(const struct hda *hda, enum hda_page page);
uint64_t hda_physical(const struct hda *hda, enum hda_page page);

/* Gives every page of a set a new canary. */
void hda_fill(struct hda *hda, unsigned pages);
/* True: every page but those of the set has its canary. */
bool hda_intact(const struct hda *hda, unsigned but);

/* The three forms in which the API takes memory. */
PMDL hda_mdl_build(struct hda *hda, struct hda_mdl *mdl, enum hda_page first, size_t pages);
IOMMU_MAP_PHYSICAL_ADDRESS hda_by_mdl(PMDL mdl);
IOMMU_MAP_PHYSICAL_ADDRESS hda_by_range(const struct hda *hda, enum hda_page first, size_t pages);
IOMMU_MAP_PHYSICAL_ADDRESS hda_by_frames(PPFN_NUMBER frames, size_t pages);

/* ---- proof.c ---- */

/* Set by SetDeviceFaultReporting. What the unit recorded is the second witness. */
IOMMU_DEVICE_FAULT_HANDLER hda_hear;
void hda_take_records(struct hda *hda);

void hda_expect_fault(struct hda *hda, uint64_t logical, uint64_t tolerated);
/* Waits for the expected fault and judges it. */
void hda_listen(struct hda *hda, FAULT_INFORMATION_X64_TYPE type);
/* There may be no fault but expected ones. */
void hda_listen_beside(struct hda *hda);

/* The codec takes a value from PAGE_CORB and gives it back in PAGE_RIRB; nothing else changes. */
bool hda_rings_reach(struct hda *hda, uint64_t corb, uint64_t rirb)
    __attribute__((warn_unused_result));
/* One of the two pages (`refused`, logical) is refused. */
bool hda_rings_refused(struct hda *hda, uint64_t corb, uint64_t rirb, uint64_t refused,
                       FAULT_INFORMATION_X64_TYPE type) __attribute__((warn_unused_result));

/* ---- v1.c, v2.c, v2_stream.c ---- */

struct hda_test {
    const char *id;       /* "HDA-001" */
    const char *fault_id; /* "HDA-FAULT-001" */
    bool (*run)(struct hda *hda);
};
#define HDA_TEST(number, run)                                                                      \
    {                                                                                              \
        "HDA-" number, "HDA-FAULT-" number, run                                                    \
    }

extern const struct hda_test hda_v1_tests[], hda_v2_tests[], hda_stream_tests[];
extern const size_t hda_v1_count, hda_v2_count, hda_stream_count;

/* Runs `body` with the device attached to a new domain, faults reported; closes all of it. */
struct hda_place {
    IOMMU_DMA_DOMAIN_TYPE type;
    bool buddy;
    PIOMMU_DMA_RESERVED_REGION regions;
};
bool hda_inside(struct hda *hda, const struct hda_place *place, bool (*body)(struct hda *hda))
    __attribute__((warn_unused_result));

extern const struct driver hda_driver;

#endif
