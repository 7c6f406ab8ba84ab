# The available index goes on by more than there are buffers.
.include "guest.inc"

image "available_index_jump"
    message 0, empty_frame
    addw $QUEUE_SIZE + 1, transmit_available + 2
    notify
    call await_transmit
    exit
