# A queue whose size is not a power of two (virtio 1.2, 2.7).
.include "guest.inc"

image "queue_size_not_a_power_of_two"
    call negotiate
    queue receive
    ready
    queue transmit, 7
    ready
    driver_ok
    say empty_frame
    exit
