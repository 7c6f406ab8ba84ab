# A queue of no size.
.include "guest.inc"

image "queue_size_zero"
    call negotiate
    queue receive
    ready
    queue transmit, 0
    ready
    driver_ok
    say empty_frame
    exit
