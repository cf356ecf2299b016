"""Our own minimal protobuf schema, and what protoc made of it.

``python -m tbtools.proto`` in a checkout makes the ``_pb2`` files again; a test compares. Import
the module that holds a message: ``from tbtools.proto.tfevents_pb2 import TensorProto``.
"""
