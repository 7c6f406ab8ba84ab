# A chain whose second descriptor continues with the first (virtio 1.2, 2.7.5.2).
.include "guest.inc"

image "loop_of_two"
    message 0, empty_frame, NEXT, 1
    message 1, empty_frame, NEXT, 0
    transmit 0
    exit
