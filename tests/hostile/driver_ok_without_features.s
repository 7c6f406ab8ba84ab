# The device becomes live without an agreement on features, and is used.
.include "guest.inc"

image "driver_ok_without_features"
    call negotiate
    reset
    queue receive
    ready
    queue transmit
    ready
    movl $DRIVER_OK, STATUS
    message 0, empty_frame
    offer 0
    notify
    call connect
    exit
