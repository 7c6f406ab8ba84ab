# The available ring names a descriptor that is not in the table.
.include "guest.inc"

image "available_head_outside_of_the_table"
    message QUEUE_SIZE, empty_frame
    transmit QUEUE_SIZE
    exit
