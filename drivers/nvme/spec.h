/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_NVME_SPEC_H
#define DRIVERS_NVME_SPEC_H

#include <stddef.h>
#include <stdint.h>

/* Registers, commands and data structures. Source: NVM Express Base Specification 1.4, by the
 * titles "Controller Registers", "Submission Queue Entry", "Completion Queue Entry", "Admin
 * Command Set", "NVM Command Set". */

enum nvme_register {
    NVME_CAP = 0x00, /* 64 bits */
    NVME_VS = 0x08,
    NVME_INTMS = 0x0C,
    NVME_CC = 0x14,
    NVME_CSTS = 0x1C,
    NVME_AQA = 0x24,
    NVME_ASQ = 0x28, /* 64 bits */
    NVME_ACQ = 0x30, /* 64 bits */
    NVME_DOORBELLS = 0x1000,
};

#define NVME_CAP_MQES(cap)      ((unsigned)((cap)&0xFFFFu)) /* largest queue, 0's based */
#define NVME_CAP_TO(cap)        ((unsigned)((cap) >> 24 & 0xFFu))
#define NVME_CAP_DSTRD(cap)     ((unsigned)((cap) >> 32 & 0xFu))
#define NVME_CAP_NVM(cap)       (((cap) >> 37 & 1u) != 0) /* CSS: the NVM command set */
#define NVME_CAP_MPSMIN(cap)    ((unsigned)((cap) >> 48 & 0xFu))
#define NVME_CAP_TO_UNIT_NS     UINT64_C(500000000)

#define NVME_CC_EN              UINT32_C(1)
#define NVME_CC_SHN_MASK        (UINT32_C(3) << 14)
#define NVME_CC_SHN_NORMAL      (UINT32_C(1) << 14)
#define NVME_CC_IOSQES(log)     ((uint32_t)(log) << 16)
#define NVME_CC_IOCQES(log)     ((uint32_t)(log) << 20)

#define NVME_CSTS_RDY           UINT32_C(1)
#define NVME_CSTS_CFS           UINT32_C(2)
#define NVME_CSTS_SHST_MASK     (UINT32_C(3) << 2)
#define NVME_CSTS_SHST_COMPLETE (UINT32_C(2) << 2)

#define NVME_VERSION_1_1        UINT32_C(0x00010100)
#define NVME_GONE               UINT32_C(0xFFFFFFFF)

enum nvme_admin_opcode {
    NVME_CREATE_IO_SUBMISSION_QUEUE = 0x01,
    NVME_CREATE_IO_COMPLETION_QUEUE = 0x05,
    NVME_IDENTIFY = 0x06,
    NVME_SET_FEATURES = 0x09,
};

enum nvme_io_opcode { NVME_READ = 0x02 };

enum nvme_cns {
    NVME_CNS_NAMESPACE = 0,
    NVME_CNS_CONTROLLER = 1,
    NVME_CNS_ACTIVE_NAMESPACES = 2,
};

#define NVME_FEATURE_NUMBER_OF_QUEUES 0x07u
#define NVME_QUEUE_CONTIGUOUS         1u /* PC */
#define NVME_QUEUE_INTERRUPTS         2u /* IEN */

struct nvme_command {
    uint8_t opcode;
    uint8_t flags; /* FUSE, PSDT: PRPs */
    uint16_t id;
    uint32_t namespace_id;
    uint32_t reserved[2];
    uint64_t metadata;
    uint64_t prp[2];
    uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
_Static_assert(sizeof(struct nvme_command) == 64, "Submission Queue Entry");
_Static_assert(offsetof(struct nvme_command, prp) == 24, "Submission Queue Entry");
_Static_assert(offsetof(struct nvme_command, cdw10) == 40, "Submission Queue Entry");

#define NVME_SUBMISSION_LOG2 6
#define NVME_COMPLETION_LOG2 4

struct nvme_completion {
    uint32_t result;
    uint32_t reserved;
    uint16_t submission_head;
    uint16_t submission_queue;
    uint16_t id;
    uint16_t status; /* bit 0: phase tag */
};
_Static_assert(sizeof(struct nvme_completion) == 16, "Completion Queue Entry");
_Static_assert(offsetof(struct nvme_completion, id) == 12, "Completion Queue Entry");

#define NVME_STATUS_PHASE      1u
#define NVME_STATUS_CODE(s)    ((unsigned)((s) >> 1 & 0xFFu))
#define NVME_STATUS_TYPE(s)    ((unsigned)((s) >> 9 & 7u))
#define NVME_STATUS_SUCCESS(s) (((s)&0x0FFEu) == 0)

struct nvme_identify_controller {
    uint8_t pci_ids[4];
    char serial[20];
    char model[40];
    char firmware[8];
    uint8_t reserved72[5];
    uint8_t mdts; /* log2 of the largest transfer in smallest pages; 0: no limit */
    uint8_t reserved78[434];
    uint8_t sqes; /* bits 3:0: log2 of the smallest submission entry */
    uint8_t cqes;
    uint8_t reserved514[2];
    uint32_t namespaces; /* NN */
    uint8_t reserved520[3576];
};
_Static_assert(offsetof(struct nvme_identify_controller, mdts) == 77, "Identify Controller");
_Static_assert(offsetof(struct nvme_identify_controller, sqes) == 512, "Identify Controller");
_Static_assert(offsetof(struct nvme_identify_controller, namespaces) == 516, "Identify Controller");
_Static_assert(sizeof(struct nvme_identify_controller) == 4096, "Identify Controller");

struct nvme_lba_format {
    uint16_t metadata_size;
    uint8_t data_size_log2;
    uint8_t performance;
};

struct nvme_identify_namespace {
    uint64_t size; /* NSZE, in logical blocks */
    uint64_t capacity;
    uint64_t utilization;
    uint8_t features;
    uint8_t formats;
    uint8_t format; /* FLBAS; bits 3:0: index into `lba_formats` */
    uint8_t reserved27[101];
    struct nvme_lba_format lba_formats[16];
    uint8_t reserved192[3904];
};
_Static_assert(offsetof(struct nvme_identify_namespace, format) == 26, "Identify Namespace");
_Static_assert(offsetof(struct nvme_identify_namespace, lba_formats) == 128, "Identify Namespace");
_Static_assert(sizeof(struct nvme_identify_namespace) == 4096, "Identify Namespace");

#define NVME_LIST_ENTRIES 1024u /* of the active namespace ID list */

#endif
