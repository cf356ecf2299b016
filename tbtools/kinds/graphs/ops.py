"""What the operations of TensorFlow give: the types of a node's outputs, from its attributes.

A MetaGraphDef brings the definitions of its operations along, and a function has a signature. A
bare GraphDef has neither, so that those of the common operations are written down here, as
TensorFlow 2.21 registers them. Of any other operation the types are not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tbtools.decode.tensor_values import DTYPES, type_name
from tbtools.proto.graph_pb2 import OpDef

__all__ = ["BUILT_IN", "output_types", "rule_of", "rules_of"]

#: A rule has a word per output: a type, or the attribute that names it. ``[A]`` are as many outputs
#: as the list of types ``A`` has, ``A*N`` as many as the attribute ``N`` says.
_RULES = {
    "T": (
        "Abs Acos Acosh Add AddN AddV2 ApplyAdagrad ApplyAdam ApplyFtrl ApplyGradientDescent "
        "ApplyMomentum ApplyRMSProp Asin Asinh Assign AssignAdd AssignSub Atan Atan2 Atanh "
        "AvgPool AvgPool3D AvgPoolGrad BatchMatMul BatchMatMulV2 BatchToSpaceND BiasAdd "
        "BiasAddGrad BiasAddV1 BroadcastArgs BroadcastTo Ceil CheckNumerics Cholesky ClipByValue "
        "Concat ConcatV2 ConjugateTranspose Conv2D Conv2DBackpropFilter Conv2DBackpropInput "
        "Conv3D Conv3DBackpropFilterV2 Conv3DBackpropInputV2 Cos Cosh Cross Cumprod Cumsum "
        "DepthToSpace DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter "
        "DepthwiseConv2dNativeBackpropInput DiagPart Digamma Div DivNoNan DynamicStitch Einsum "
        "Elu EluGrad Enter Erf Erfc Erfinv EuclideanNorm Exit Exp ExpandDims Expm1 Fill Floor "
        "FloorDiv FloorMod Identity Inv InvGrad InvertPermutation L2Loss LRN LeakyRelu "
        "LeakyReluGrad LeftShift Lgamma LinSpace Log Log1p LogSoftmax MatMul MatrixBandPart "
        "MatrixDiag MatrixDiagV3 MatrixInverse MatrixSolve Max MaxPool MaxPool3D MaxPoolGrad "
        "MaxPoolV2 Maximum Mean Min Minimum MirrorPad Mod Mul MulNoNan Neg NextIteration OneHot "
        "OnesLike Pack Pad PadV2 Pow PreventGradient Print Prod QuantizeAndDequantizeV2 "
        "RandomShuffle RealDiv Reciprocal ReciprocalGrad Relu Relu6 Relu6Grad ReluGrad Reshape "
        "ResizeNearestNeighbor ReverseSequence ReverseV2 Rint Roll Round Rsqrt RsqrtGrad "
        "ScatterNd SegmentMean SegmentSum Select SelectV2 Selu SeluGrad Sigmoid SigmoidGrad Sign "
        "Sin Sinh Slice Snapshot Softmax Softplus SoftplusGrad Softsign SoftsignGrad "
        "SpaceToBatchND SpaceToDepth SparseApplyFtrl SparseSegmentSum SparseSegmentSumGrad "
        "SparseTensorDenseMatMul SparseToDense Sqrt SqrtGrad Square SquaredDifference Squeeze "
        "StopGradient StridedSlice StridedSliceGrad Sub Sum Tan Tanh TanhGrad TensorScatterAdd "
        "TensorScatterUpdate Tile Transpose TruncateDiv TruncateMod UnsortedSegmentSum ZerosLike "
        "_Arg"
    ),
    "": (
        "Assert AssignAddVariableOp AssignSubVariableOp AssignVariableOp ControlTrigger "
        "MakeIterator MergeV2Checkpoints NoOp PrintV2 QueueCloseV2 QueueEnqueueManyV2 "
        "QueueEnqueueV2 ResourceApplyAdagradV2 ResourceApplyAdam ResourceApplyFtrl "
        "ResourceApplyGradientDescent ResourceApplyKerasMomentum ResourceApplyMomentum "
        "ResourceSparseApplyFtrl SaveSlices SaveV2 _HostSend _Retval _Send"
    ),
    "bool": (
        "All Any ApproximateEqual Equal Greater GreaterEqual InTopK InTopKV2 IsFinite IsInf IsNan "
        "IsVariableInitialized Less LessEqual LogicalAnd LogicalNot LogicalOr LoopCond NotEqual "
        "StaticRegexFullMatch VarIsInitializedOp"
    ),
    "dtype": (
        "Const DecodePng Placeholder PlaceholderWithDefault RandomStandardNormal RandomUniform "
        "ReadVariableOp ResourceGather StatelessRandomNormal StatelessRandomNormalV2 "
        "StatelessRandomUniform StatelessRandomUniformV2 StatelessTruncatedNormal "
        "TensorArrayGatherV3 TensorArrayReadV3 TruncatedNormal Variable VariableV2"
    ),
    "variant": (
        "BatchDatasetV2 MapDataset OptionalFromValue OptionsDataset ParallelInterleaveDatasetV4 "
        "ParseExampleDatasetV2 PrefetchDataset RepeatDataset ShuffleDataset TensorListFromTensor "
        "TensorListPushBack TensorListReserve TensorListSetItem TensorSliceDataset"
    ),
    "string": (
        "AsString EncodePng HistogramSummary ImageSummary IteratorToStringHandle MatchingFiles "
        "MergeSummary ReduceJoin ScalarSummary ShardedFilename ShardedFilespec StringFormat "
        "StringJoin"
    ),
    "resource": (
        "FIFOQueueV2 HashTableV2 IteratorV2 OneShotIterator RandomShuffleQueueV2 TFRecordReaderV2 "
        "VarHandleOp"
    ),
    "T T": (
        "BroadcastGradientArgs CTCLoss Qr SoftmaxCrossEntropyWithLogits "
        "SparseSoftmaxCrossEntropyWithLogits Switch"
    ),
    "float32": (
        "FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars ResizeBicubic ResizeBilinear "
        "TensorArrayScatterV3 TensorArrayWriteV3"
    ),
    "int32": (
        "NonMaxSuppressionV3 QueueSizeV2 Rank StatelessRandomGetAlg TensorArraySizeV3 "
        "TensorListLength"
    ),
    "[Tout]": "If PartitionedCall StatefulPartitionedCall StatelessIf SymbolicGradient",
    "T out_idx": "ListDiff Unique UniqueV2",
    "Tcomplex": "FFT IFFT RFFT",
    "Tout": "BatchMatMulV3 LookupTableFindV2 RandomUniformInt",
    "Tparams": "Gather GatherNd GatherV2",
    "[T]": "IdentityN StatelessWhile While",
    "out_type": "DecodeRaw Shape Size",
    "T T T T": "CudnnRNN GRUBlockCell",
    "T T T T T": "FusedBatchNorm FusedBatchNormGrad",
    "T T T T T T T": "BlockLSTM LSTMBlockCell",
    "T T T T int8": "CudnnRNNV2 CudnnRNNV3",
    "T U U U U": "FusedBatchNormGradV3 FusedBatchNormV2",
    "T int32": "Merge TopK",
    "T*num_split": "Split SplitV",
    "[component_types]": "QueueDequeueManyV2 QueueDequeueV2",
    "element_dtype": "TensorListGetItem TensorListStack",
    "int64": "StringToHashBucketFast Where",
    "output_type": "ArgMax ArgMin",
    "tensor_type": "_HostRecv _Recv",
    "DstT": "Cast",
    "T T T": "Svd",
    "T Targmax": "MaxPoolWithArgmax",
    "T U U U U U": "FusedBatchNormV3",
    "T index_type": "TopKV2",
    "T out_idx out_idx": "UniqueWithCounts",
    "T*num": "Unpack",
    "T*num_partitions": "DynamicPartition",
    "Tidx": "Range",
    "Treal": "IRFFT",
    "[Tresults]": "XlaLaunch",
    "[dtypes]": "RestoreV2",
    "[output_types]": "IteratorGetNext",
    "int64 T": "SparseReorder",
    "int64 T bool int64": "SparseFillEmptyRows",
    "int64 T int64": "DenseToDenseSetOperation",
    "int64 int64": "SparseReshape",
    "int64*Nsparse [sparse_types] int64*Nsparse [Tdense]": "ParseExample",
    "out_type*N": "ShapeN",
    "output_dtype": "Multinomial",
    "resource float32": "TensorArrayV3",
    "resource variant": "AnonymousIteratorV2",
    "string string": "ReaderReadUpToV2",
    "type": "Bitcast",
    "uint64 uint64": "StatelessRandomGetKeyCounter",
    "uint8": "DecodeJpeg",
    "variant element_dtype": "TensorListPopBack",
}

#: Operation → rule.
BUILT_IN = {op: rule for rule, ops in _RULES.items() for op in ops.split()}

MOST_OUTPUTS = 4096  # of one node; an attribute can declare any number

_TYPES = frozenset(DTYPES.values())


def rule_of(definition: OpDef) -> str:
    """The rule that a definition of an operation, or a signature of a function, amounts to."""
    words = []
    for output in definition.output_arg:
        if output.type_list_attr:
            word = f"[{output.type_list_attr}]"
        else:
            word = type_name(output.type) if output.type else output.type_attr
        words.append(f"{word}*{output.number_attr}" if output.number_attr else word)
    return " ".join(words)


def rules_of(definitions: Iterable[OpDef]) -> dict[str, str]:
    """The rules of these definitions by name."""
    return {definition.name: rule_of(definition) for definition in definitions}


def output_types(rule: str, attrs: Mapping[str, str]) -> tuple[str, ...] | None:
    """The types of the outputs of a node with these attributes, as text; None if not known."""
    if rule in attrs:  # by far the most common rules are one attribute
        return (attrs[rule].removesuffix("_ref"),)
    types: tuple[str, ...] = ()
    for word in rule.split():
        found = _types_of(word, attrs)
        if found is None or len(types) + len(found) > MOST_OUTPUTS:
            return None
        types += found
    return types


def _types_of(word: str, attrs: Mapping[str, str]) -> tuple[str, ...] | None:
    if word in attrs:
        return (attrs[word].removesuffix("_ref"),)
    if word in _TYPES:
        return (word,)
    if word.startswith("["):
        listed = attrs.get(word[1:-1], "")
        if not listed.startswith("["):  # too long a list is only told by its size
            return None
        return tuple(listed[1:-1].split(", ")) if listed != "[]" else ()
    name, _, number = word.partition("*")
    count = attrs.get(number, "")
    if not count.isdecimal() or int(count) > MOST_OUTPUTS:
        return None
    one = _types_of(name, attrs)
    return None if one is None else one * int(count)
