# An indirect descriptor without VIRTIO_F_INDIRECT_DESC (virtio 1.2, 2.7.5.3.1).
.include "guest.inc"

image "indirect_descriptor_not_offered"
    descriptor buffer, 0, empty_frame, empty_frame_length
    descriptor transmit_descriptors, 0, buffer, 16, INDIRECT
    transmit 0
    exit
