# A queue whose size has 17 bits, the lower 16 of which would be good.
.include "guest.inc"

image "queue_size_of_17_bits"
    call negotiate
    queue receive
    ready
    queue transmit, 0x10008
    ready
    driver_ok
    say empty_frame
    exit
