"""The compatibility page: `python -m scones.cloud.compatibility` prints the state of each AWS operation.

The supported operations and the refused parameters come from the services themselves, and the existing operations from
botocore's models. Only the notes on limits of supported operations, and the list of parameters without an effect, are
maintained by hand. `docs/reference/compatibility.md` is this package's output. A test compares the two: completely with
the same botocore version, otherwise for the supported operations only.
"""
