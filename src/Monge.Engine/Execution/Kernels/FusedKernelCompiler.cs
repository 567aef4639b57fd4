using System.Buffers.Binary;
using System.Globalization;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Monge.Engine.Lanes;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <summary>A compiled loop nest. Its argument is the table of pointers, counts and strides described by <see cref="TableEntry"/>.</summary>
internal unsafe delegate void FusedLoop(nint* table);

/// <summary>What one entry of a fused kernel's table holds.</summary>
internal enum TableEntryKind
{
    /// <summary>Bytes in a row of lanes.</summary>
    LaneBytes,

    /// <summary>Turns of the outer loop.</summary>
    Outer,

    /// <summary>Turns of an inner loop.</summary>
    Inner,

    /// <summary>Bytes from one turn of a loop to the next for operands with one stride.</summary>
    Stride,

    /// <summary>The address of an operand's first element.</summary>
    Pointer,
}

/// <summary>One entry of the table: for a count its number, for a stride its elements, for a pointer the stored value and the first element.</summary>
internal readonly record struct TableEntry(TableEntryKind Kind, int Number, bool HasLanes, Expr? Base);

/// <summary>
/// Turns a fused group into machine code by way of IL: for each vector of lanes (or two of them side by side), a loop over the outer index with inner
/// loops inside, every value in a register from its computation to its last use. Kernels of one structure share their code whatever their sizes.
/// </summary>
internal sealed class FusedKernelCompiler
{
    // Larger groups keep too many values for the registers, and their code takes long enough to make.
    private const int MostMembersSideBySide = 32;

    // Code by structure. A kernel's size is that of its IL; with what the runtime keeps of it, it takes about six times as much of the managed heap.
    private const int MostCodeBytes = 700_000;
    private const int LeastKernelBytes = 1024;

    private static readonly RecentCache<(UInt128, UInt128), FusedLoop> s_code = new(MostCodeBytes);

    private readonly FusedGroup _group;
    private readonly Func<Expr, bool> _hasLanes;
    private readonly Dictionary<Expr, FusedNode> _members;
    private readonly StringBuilder _signature = new();
    private readonly List<TableEntry> _table = [];
    private readonly List<LocalBuilder> _tableLocals = [];
    private readonly Dictionary<TableEntry, int> _entryNumbers = [];
    private readonly DynamicMethod _method;
    private readonly ILGenerator _il;
    private readonly LaneEmitter _lanes;
    private readonly LocalBuilder _laneOffset;

    // Offsets, one for each way of walking: from the start of a row of lanes on level 1, and with the inner index on level 2.
    private readonly Dictionary<(bool Laned, int Outer), LocalBuilder> _outerOffsets = [];
    private readonly Dictionary<(bool Laned, int Outer, int Inner), LocalBuilder> _innerOffsets = [];

    private readonly Dictionary<Expr, int> _turn = [];
    private readonly Dictionary<(Access, int), Lane> _level0Loads = [];
    private readonly Dictionary<(Access, int), Lane> _level1Loads = [];
    private readonly Dictionary<(Access, int), Lane> _level2Loads = [];
    private readonly Dictionary<Expr, Lane> _level0 = [];
    private readonly Dictionary<Expr, Lane> _level1 = [];
    private readonly Dictionary<Expr, Lane> _level2 = [];
    private readonly Dictionary<Expr, string> _names = [];

    private FusedKernelCompiler(FusedGroup group, ElementType type, SimdWidth width, int parts, Func<Expr, bool> hasLanes)
    {
        _group = group;
        _hasLanes = hasLanes;
        _members = group.Members.ToDictionary(m => m.Value);
        _method = new DynamicMethod("fused", typeof(void), [typeof(nint*)], typeof(FusedKernelCompiler).Module, skipVisibility: true);
        _il = _method.GetILGenerator();
        _lanes = new LaneEmitter(_il, type, width, parts);
        _signature.Append(CultureInfo.InvariantCulture, $"{type} {width} {parts};");
        _laneOffset = _il.DeclareLocal(typeof(nint));
    }

    /// <summary>Compiles a group, or finds the code of a group of the same structure.</summary>
    /// <param name="group">The group.</param>
    /// <param name="type">Number format.</param>
    /// <param name="width">Vector width; <see cref="SimdWidth.Scalar"/> for uniform stages, where values have no lanes.</param>
    /// <param name="lanes">Lanes of the tile, 1 in uniform stages.</param>
    /// <param name="hasLanes">Whether a stored value has lanes.</param>
    public static (FusedLoop Code, List<TableEntry> Table) Compile(FusedGroup group, ElementType type, SimdWidth width, int lanes, Func<Expr, bool> hasLanes)
    {
        var bits = width == SimdWidth.Scalar ? 0 : lanes * 8 * (type == ElementType.Float32 ? sizeof(float) : sizeof(double));
        var parts = bits > 0 && bits % (2 * (int)width) == 0 && group.Members.Count <= MostMembersSideBySide ? 2 : 1;
        var compiler = new FusedKernelCompiler(group, type, width, parts, hasLanes);
        compiler.AssignTurns();
        compiler.CollectTable();
        compiler.Emit();
        var key = Hash(compiler._signature);
        var code = s_code.TryGet(key, out var known)
            ? known
            : s_code.Add(key, compiler._method.CreateDelegate<FusedLoop>(), compiler._il.ILOffset + LeastKernelBytes);
        return (code, compiler._table);
    }

    // Signatures are as long as the code; 256 bits of them tell kernels apart.
    private static (UInt128, UInt128) Hash(StringBuilder signature)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var chunk in signature.GetChunks())
        {
            hash.AppendData(MemoryMarshal.AsBytes(chunk.Span));
        }

        Span<byte> bytes = stackalloc byte[32];
        hash.GetHashAndReset(bytes);
        return (BinaryPrimitives.ReadUInt128LittleEndian(bytes), BinaryPrimitives.ReadUInt128LittleEndian(bytes[16..]));
    }

    // Reductions split the body of the outer loop in turns: straight code of level 1, then inner loops, then straight code that may use their sums, ...
    // A member of level 1 has the turn in whose straight code it stands, one of level 2 the turn of its inner loop. Members of level 0 have a turn
    // when they come after the outer loop.
    private void AssignTurns()
    {
        foreach (var node in _group.Members)
        {
            var turn = 0;
            var after = node.Level == 0 && node.IsReduction;
            foreach (var access in node.Operands)
            {
                if (!_members.TryGetValue(access.Base, out var operand))
                {
                    continue;
                }

                after |= node.Level == 0 && _turn.ContainsKey(operand.Value);
                turn = Math.Max(turn, operand.Level == 0 ? 0 : _turn[operand.Value]);
            }

            if (node.Level > 0 || after)
            {
                _turn[node.Value] = turn + (node.IsReduction && node.Level == 1 ? 1 : 0);
            }
        }
    }

    private int LoopOf(FusedNode reduction) => _turn[reduction.Value] - 1;

    // Everything that the code reads from its table, in a fixed order: counts, pointers and strides.
    private void CollectTable()
    {
        Entry(new TableEntry(TableEntryKind.LaneBytes, 0, false, null));
        Entry(new TableEntry(TableEntryKind.Outer, 0, false, null));
        foreach (var node in _group.Members)
        {
            foreach (var access in node.Operands)
            {
                if (node.OperandLevel == 2)
                {
                    Entry(new TableEntry(TableEntryKind.Inner, node.Inner, false, null));
                }

                if (access.Base.UniformConstant is null && !IsComputed(access, node))
                {
                    Pointer(access, node.OperandLevel);
                }
            }

            if (node.IsStored)
            {
                Pointer(OwnAccess(node), node.Level);
            }
        }

        foreach (var entry in _table)
        {
            _tableLocals.Add(_il.EmitTableEntry(_tableLocals.Count));
            _signature.Append(CultureInfo.InvariantCulture, $"{entry.Kind}{(entry.HasLanes ? "*" : "")} ");
        }
    }

    private bool IsComputed(Access access, FusedNode reader) =>
        _members.TryGetValue(access.Base, out var operand) && StagePlan.IsAligned(operand, access, reader);

    private static Access OwnAccess(FusedNode node) => node.Level switch
    {
        0 => new Access(node.Value, 0, 0, 0),
        1 => new Access(node.Value, 0, 1, 0),
        _ => new Access(node.Value, 0, node.Inner, 1),
    };

    private int Entry(TableEntry entry)
    {
        if (!_entryNumbers.TryGetValue(entry, out var number))
        {
            number = _table.Count;
            _table.Add(entry);
            _entryNumbers[entry] = number;
        }

        return number;
    }

    private void Pointer(Access access, int level)
    {
        var laned = _hasLanes(access.Base);
        Entry(new TableEntry(TableEntryKind.Pointer, access.Offset, laned, access.Base));
        if (level >= 1 && access.OuterStride != 0)
        {
            Entry(new TableEntry(TableEntryKind.Stride, access.OuterStride, laned, null));
            _outerOffsets.TryAdd((laned, access.OuterStride), _il.DeclareLocal(typeof(nint)));
        }

        if (level == 2 && access.InnerStride != 0)
        {
            Entry(new TableEntry(TableEntryKind.Stride, access.InnerStride, laned, null));
            _innerOffsets.TryAdd((laned, access.OuterStride, access.InnerStride), _il.DeclareLocal(typeof(nint)));
        }
    }

    private LocalBuilder TableLocal(TableEntry entry) => _tableLocals[_entryNumbers[entry]];

    private void Emit()
    {
        _il.EmitLoop(_laneOffset, TableLocal(new TableEntry(TableEntryKind.LaneBytes, 0, false, null)), _lanes.Parts * _lanes.Lanes * _lanes.ElementSize, () =>
        {
            var folds = Members(n => n.Level == 0 && n.IsReduction).ToDictionary(n => n.Value, NewFold);
            EvaluatePre();
            if (_group.Members.Any(n => n.Level > 0 || n.IsReduction))
            {
                EmitOuterLoop(folds);
            }

            foreach (var (value, lane) in folds)
            {
                _level0[value] = lane;
            }

            foreach (var node in Members(n => n.Level == 0 && n.IsStored))
            {
                Store(node, Evaluate(node, 0));
            }
        });
        _il.Emit(OpCodes.Ret);
    }

    private IEnumerable<FusedNode> Members(Func<FusedNode, bool> predicate) => _group.Members.Where(predicate);

    // Elements that loops read must be in registers before the loops begin.
    private void EvaluatePre()
    {
        foreach (var node in Members(n => n.OperandLevel > 0))
        {
            foreach (var access in node.Operands)
            {
                if (IsComputed(access, node))
                {
                    if (_members[access.Base] is { Level: 0 } operand)
                    {
                        Evaluate(operand, 0);
                    }
                }
                else if (access is { OuterStride: 0, InnerStride: 0 } && access.Base.UniformConstant is null)
                {
                    Load(access, 0);
                }
            }
        }
    }

    private void EmitOuterLoop(Dictionary<Expr, Lane> folds)
    {
        foreach (var ((laned, _), local) in _outerOffsets)
        {
            EmitStartOffset(laned, local);
        }

        var lastTurn = _turn.Where(t => _members[t.Key] is { Level: > 0 }).Select(t => t.Value).DefaultIfEmpty(0).Max();
        _signature.Append("outer{");
        EmitCountedLoop(TableLocal(new TableEntry(TableEntryKind.Outer, 0, false, null)), () =>
        {
            for (var turn = 0; turn <= lastTurn; turn++)
            {
                foreach (var node in Members(n => n.Level == 1 && _turn[n.Value] == turn && n.IsStored))
                {
                    Store(node, Evaluate(node, 1));
                }

                EmitInnerLoops(turn);
            }

            foreach (var (value, lane) in folds)
            {
                Fold(_members[value], lane, Operand(_members[value], 0, 1));
            }

            foreach (var ((laned, stride), local) in _outerOffsets)
            {
                Advance(local, TableLocal(new TableEntry(TableEntryKind.Stride, stride, laned, null)));
            }
        });
        _signature.Append('}');
    }

    private void EmitInnerLoops(int turn)
    {
        var work = Members(n => (n.Level == 2 && n.IsStored && _turn[n.Value] == turn) || (n.Level == 1 && n.IsReduction && LoopOf(n) == turn)).ToList();
        foreach (var loop in work.GroupBy(n => n.Inner))
        {
            var folds = loop.Where(n => n.IsReduction).ToDictionary(n => n.Value, NewFold);
            _level2.Clear();
            _level2Loads.Clear();
            foreach (var node in loop)
            {
                PrepareLevel1(node);
            }

            foreach (var ((laned, outer, inner), local) in _innerOffsets)
            {
                if (outer == 0)
                {
                    EmitStartOffset(laned, local);
                }
                else
                {
                    _il.Emit(OpCodes.Ldloc, _outerOffsets[(laned, outer)]);
                    _il.Emit(OpCodes.Stloc, local);
                }
            }

            _signature.Append(CultureInfo.InvariantCulture, $"loop {_entryNumbers[new TableEntry(TableEntryKind.Inner, loop.Key, false, null)]}{{");
            EmitCountedLoop(TableLocal(new TableEntry(TableEntryKind.Inner, loop.Key, false, null)), () =>
            {
                foreach (var node in loop)
                {
                    if (node.IsReduction)
                    {
                        Fold(node, folds[node.Value], Operand(node, 0, 2));
                    }
                    else
                    {
                        Store(node, Evaluate(node, 2));
                    }
                }

                foreach (var ((laned, _, inner), local) in _innerOffsets)
                {
                    Advance(local, TableLocal(new TableEntry(TableEntryKind.Stride, inner, laned, null)));
                }
            });
            _signature.Append('}');
            foreach (var (value, lane) in folds)
            {
                _level1[value] = lane;
            }
        }
    }

    // What an inner loop reads of levels 0 and 1 is computed before the loop.
    private void PrepareLevel1(FusedNode node)
    {
        for (var i = 0; i < node.Operands.Length; i++)
        {
            var access = node.Operands[i];
            if (!IsComputed(access, node))
            {
                if (access.InnerStride == 0 && access.OuterStride != 0)
                {
                    Load(access, 1);
                }
            }
            else if (_members[access.Base] is { Level: 1 } outer)
            {
                Evaluate(outer, 1);
            }
            else if (_members[access.Base] is { Level: 2 } inner)
            {
                PrepareLevel1(inner);
            }
        }
    }

    private Lane NewFold(FusedNode node)
    {
        var lane = _lanes.NewAccumulator(((ReductionOperation)node.Value.Operation).Start);
        _names[node.Value] = FormattableString.Invariant($"f{_names.Count}");
        _signature.Append(CultureInfo.InvariantCulture, $"{_names[node.Value]}:{node.Value.Operation.Name};");
        return lane;
    }

    private void Fold(FusedNode node, Lane fold, Lane value)
    {
        _lanes.Assign(fold, ((ReductionOperation)node.Value.Operation).Fold(_lanes, fold, value));
        _signature.Append(CultureInfo.InvariantCulture, $"{_names[node.Value]}<-{_names[node.Operands[0].Base]}{Suffix(node.Operands[0])};");
    }

    private Lane Evaluate(FusedNode node, int level)
    {
        var known = node.Level switch { 0 => _level0, 1 => _level1, _ => _level2 };
        if (known.TryGetValue(node.Value, out var lane))
        {
            return lane;
        }

        var operands = new Lane[node.Operands.Length];
        for (var i = 0; i < operands.Length; i++)
        {
            operands[i] = Operand(node, i, node.OperandLevel);
        }

        lane = ((ElementwiseOperation)node.Value.Operation).Emit(_lanes, operands);
        Name(node.Value, $"{node.Value.Operation.Name}({string.Join(",", node.Operands.Select(o => _names[o.Base] + Suffix(o)))})");
        known[node.Value] = lane;
        return lane;
    }

    private string Suffix(Access access, bool stored = false) => (_members.ContainsKey(access.Base) && !stored) || access.Base.UniformConstant is not null
        ? ""
        : string.Create(
            CultureInfo.InvariantCulture,
            $"@{_entryNumbers[new TableEntry(TableEntryKind.Pointer, access.Offset, _hasLanes(access.Base), access.Base)]}"
            + $":{StrideName(access.OuterStride, access)}:{StrideName(access.InnerStride, access)}");

    private int StrideName(int stride, Access access) =>
        stride == 0 ? -1 : _entryNumbers.GetValueOrDefault(new TableEntry(TableEntryKind.Stride, stride, _hasLanes(access.Base), null), -2);

    private void Name(Expr value, string formula)
    {
        var name = FormattableString.Invariant($"n{_names.Count}");
        _names[value] = name;
        _signature.Append(name).Append('=').Append(formula).Append(';');
    }

    private Lane Operand(FusedNode node, int index, int level)
    {
        var access = node.Operands[index];
        if (access.Base.UniformConstant is { } number)
        {
            _names[access.Base] = number.ToString("R", CultureInfo.InvariantCulture);
            return _lanes.Constant(number);
        }

        if (IsComputed(access, node))
        {
            return Evaluate(_members[access.Base], _members[access.Base].Level);
        }

        return Load(access, level == 2 && access.InnerStride != 0 ? 2 : level >= 1 && access.OuterStride != 0 ? 1 : 0);
    }

    private Lane Load(Access access, int level)
    {
        var loads = level switch { 0 => _level0Loads, 1 => _level1Loads, _ => _level2Loads };
        if (loads.TryGetValue((access, level), out var lane))
        {
            return lane;
        }

        if (!_names.ContainsKey(access.Base))
        {
            _names[access.Base] = FormattableString.Invariant($"v{_names.Count}");
        }

        _signature.Append(CultureInfo.InvariantCulture, $"load{level} {_names[access.Base]}{Suffix(access)};");
        lane = _hasLanes(access.Base) ? _lanes.LoadFrom(() => Address(access, level)) : _lanes.BroadcastFrom(() => Address(access, level));
        loads[(access, level)] = lane;
        return lane;
    }

    private void Store(FusedNode node, Lane value)
    {
        var access = OwnAccess(node);
        var laned = _hasLanes(node.Value);
        _signature.Append(CultureInfo.InvariantCulture, $"store{node.Level} {_names[node.Value]}{Suffix(access, stored: true)};");
        _lanes.StoreTo(() => Address(access, node.Level), value);
    }

    private void Address(Access access, int level)
    {
        var laned = _hasLanes(access.Base);
        _il.Emit(OpCodes.Ldloc, TableLocal(new TableEntry(TableEntryKind.Pointer, access.Offset, laned, access.Base)));
        if (level == 2 && access.InnerStride != 0)
        {
            _il.Emit(OpCodes.Ldloc, _innerOffsets[(laned, access.OuterStride, access.InnerStride)]);
            _il.Emit(OpCodes.Add);
        }
        else if (level >= 1 && access.OuterStride != 0)
        {
            _il.Emit(OpCodes.Ldloc, _outerOffsets[(laned, access.OuterStride)]);
            _il.Emit(OpCodes.Add);
        }
        else if (laned)
        {
            _il.Emit(OpCodes.Ldloc, _laneOffset);
            _il.Emit(OpCodes.Add);
        }
    }

    private void EmitStartOffset(bool laned, LocalBuilder local)
    {
        if (laned)
        {
            _il.Emit(OpCodes.Ldloc, _laneOffset);
        }
        else
        {
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Conv_I);
        }

        _il.Emit(OpCodes.Stloc, local);
    }

    private void Advance(LocalBuilder offset, LocalBuilder stride)
    {
        _il.Emit(OpCodes.Ldloc, offset);
        _il.Emit(OpCodes.Ldloc, stride);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, offset);
    }

    private void EmitCountedLoop(LocalBuilder count, Action body) => _il.EmitLoop(_il.DeclareLocal(typeof(nint)), count, 1, body);
}
