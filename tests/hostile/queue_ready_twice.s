# A queue becomes ready twice, before and after the device is live, even in mid-frame: nothing comes of it.
.include "guest.inc"

image "queue_ready_twice"
    call negotiate
    queue receive
    ready
    ready
    queue transmit
    ready
    ready
    driver_ok
    descriptor transmit_descriptors, 0, exit_frame, 3
    transmit 0
    ready
    # What was used before must not be sent again.
    descriptor transmit_descriptors, 1, exit_frame+3, exit_frame_length-3
    transmit 1
    jmp rest
