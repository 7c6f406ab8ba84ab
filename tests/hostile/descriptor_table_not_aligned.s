# The descriptor table is not at a multiple of 16 (virtio 1.2, 2.7).
.include "guest.inc"

image "descriptor_table_not_aligned"
    call negotiate
    queue receive
    ready
    queue transmit
    place QUEUE_DESC, transmit_descriptors+8
    ready
    driver_ok
    descriptor transmit_descriptors+8, 0, empty_frame, empty_frame_length
    transmit 0
    descriptor transmit_descriptors+8, 0, exit_frame, exit_frame_length
    transmit 0
    jmp rest
