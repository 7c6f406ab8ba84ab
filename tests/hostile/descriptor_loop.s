# A chain whose descriptor continues with itself (virtio 1.2, 2.7.5.2).
.include "guest.inc"

image "descriptor_loop"
    message 0, empty_frame, NEXT, 0
    transmit 0
    exit
