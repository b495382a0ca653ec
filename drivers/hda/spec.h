/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_HDA_SPEC_H
#define DRIVERS_HDA_SPEC_H

#include <stddef.h>
#include <stdint.h>

/* Source: Intel, High Definition Audio Specification, revision 1.0a. */

/* "Global Capabilities, Status, and Control"; each register is accessed by its own width. */
enum hda_register {
    HDA_GCAP = 0x00,     /* 16 bits */
    HDA_GCTL = 0x08,     /* 32 */
    HDA_STATESTS = 0x0E, /* 16 */
    HDA_INTCTL = 0x20,   /* 32 */
    HDA_CORBLBASE = 0x40,
    HDA_CORBUBASE = 0x44,
    HDA_CORBWP = 0x48,  /* 16 */
    HDA_CORBRP = 0x4A,  /* 16 */
    HDA_CORBCTL = 0x4C, /* 8 */
    HDA_CORBSIZE = 0x4E,
    HDA_RIRBLBASE = 0x50,
    HDA_RIRBUBASE = 0x54,
    HDA_RIRBWP = 0x58,  /* 16 */
    HDA_RINTCNT = 0x5A, /* 16 */
    HDA_RIRBCTL = 0x5C, /* 8 */
    HDA_RIRBSTS = 0x5D,
    HDA_RIRBSIZE = 0x5E,
    HDA_ICOI = 0x60, /* 32: immediate command output */
    HDA_ICII = 0x64, /* 32: immediate command input */
    HDA_ICIS = 0x68, /* 16: immediate command status */
    HDA_DPLBASE = 0x70,
    HDA_DPUBASE = 0x74,
    HDA_STREAMS = 0x80, /* the descriptors, input before output */
    HDA_STREAM_STRIDE = 0x20,
};

/* "Stream Descriptors": offsets in one. */
enum hda_stream_register {
    HDA_SDCTL = 0x00,     /* 8: reset and run */
    HDA_SDCTL_TAG = 0x02, /* 8: stream number in bits 7:4 */
    HDA_SDSTS = 0x03,     /* 8 */
    HDA_SDLPIB = 0x04,
    HDA_SDCBL = 0x08,
    HDA_SDLVI = 0x0C, /* 16 */
    HDA_SDFMT = 0x12, /* 16 */
    HDA_SDBDPL = 0x18,
    HDA_SDBDPU = 0x1C,
};

#define HDA_GCAP_64OK            0x0001u
#define HDA_GCAP_INPUTS(gcap)    ((unsigned)(gcap) >> 8 & 0xFu)
#define HDA_GCAP_OUTPUTS(gcap)   ((unsigned)(gcap) >> 12 & 0xFu)
#define HDA_GCTL_CRST            0x01u
#define HDA_CORBRP_RST           0x8000u
#define HDA_CORBCTL_RUN          0x02u
#define HDA_RIRBWP_RST           0x8000u
#define HDA_RIRBCTL_RINTCTL      0x01u
#define HDA_RIRBCTL_DMAEN        0x02u
#define HDA_RIRBSTS_ALL          0x05u
#define HDA_RING_CAP_256(size)   ((size)&0x40u)
#define HDA_RING_256             0x02u
#define HDA_RING_ENTRIES         256u
#define HDA_ICIS_ICB             0x01u
#define HDA_ICIS_IRV             0x02u
#define HDA_DPLBASE_ENABLE       0x01u
#define HDA_SDCTL_SRST           0x01u
#define HDA_SDCTL_RUN            0x02u
#define HDA_SDSTS_BCIS           0x04u
#define HDA_SDSTS_ALL            0x1Cu
#define HDA_FORMAT_48K_16_STEREO 0x0011u /* "Stream Format Structure" */

/* "Buffer Descriptor List Entry". */
struct hda_buffer {
    uint64_t address;
    uint32_t length;
    uint32_t flags;
};
_Static_assert(sizeof(struct hda_buffer) == 16 && offsetof(struct hda_buffer, flags) == 12, "BDLE");
#define HDA_BUFFER_IOC 1u

/* "RIRB Entry Format". */
struct hda_response {
    uint32_t response;
    uint32_t codec; /* bits 3:0; bit 4: unsolicited */
};
_Static_assert(sizeof(struct hda_response) == 8, "RIRB");

/* "DMA Position in Current Buffer". */
struct hda_position {
    uint32_t bytes;
    uint32_t reserved;
};
_Static_assert(sizeof(struct hda_position) == 8, "DPIB");

/* "Codec Verb and Response Structures": the command for a node of codec 0 to 14. */
#define HDA_VERB(codec, node, verb, payload)                                                       \
    ((uint32_t)(codec) << 28 | (uint32_t)(node) << 20 | (uint32_t)(verb) << 8 | (uint32_t)(payload))
#define HDA_FORMAT_VERB(codec, node, format)                                                       \
    ((uint32_t)(codec) << 28 | (uint32_t)(node) << 20 | 0x20000u | (uint32_t)(format))

enum hda_verb {
    HDA_GET_PARAMETER = 0xF00,
    HDA_SET_CONVERTER = 0x706, /* stream in bits 7:4, channel in bits 3:0 */
    HDA_GET_CONVERTER = 0xF06,
};

/* "Parameters". */
enum hda_parameter {
    HDA_PARAMETER_NODES = 0x04, /* first node in bits 23:16, how many in bits 7:0 */
    HDA_PARAMETER_FUNCTION = 0x05,
    HDA_PARAMETER_WIDGET = 0x09, /* type in bits 23:20 */
};

#define HDA_NODES_FIRST(value)   ((value) >> 16 & 0xFFu)
#define HDA_NODES_COUNT(value)   ((value)&0xFFu)
#define HDA_FUNCTION_TYPE(value) ((value)&0xFFu)
#define HDA_FUNCTION_AUDIO       1u
#define HDA_WIDGET_TYPE(value)   ((value) >> 20 & 0xFu)
#define HDA_WIDGET_OUTPUT        0u
#define HDA_WIDGET_INPUT         1u

#endif
