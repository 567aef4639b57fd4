using System.Reflection.Emit;

namespace Monge.Engine.Lanes;

/// <summary>
/// Emits straight-line IL for arithmetic on SIMD lanes: every function is written once as a formula and serves float32 and
/// float64, vectors of 128, 256 and 512 bits, and plain scalars. The functions are branch-free polynomials (no tables), so
/// every lane costs the same. The caller owns the method, its loops and its addresses. Neighbouring vectors may be computed side
/// by side: a long chain of dependent instructions then leaves the processor something else to do.
/// </summary>
internal sealed partial class LaneEmitter
{
    private readonly LaneMethods methods;
    private readonly Stack<LocalBuilder[]> freeNumbers = new();
    private readonly Stack<LocalBuilder[]> freeMasks = new();
    private readonly Stack<LocalBuilder[]> freeBits = new();
    private readonly List<(Stack<LocalBuilder[]> Pool, LocalBuilder[] Locals)> kept = [];

    /// <summary>Writes into <paramref name="il"/>, the generator of a dynamic method, for a number of neighbouring vectors.</summary>
    public LaneEmitter(ILGenerator il, ElementType type, SimdWidth width, int parts = 1)
    {
        IL = il;
        Parts = parts;
        Type = type;
        Width = width;
        methods = LaneMethods.For(type, width);
    }

    /// <summary>The generator written into.</summary>
    public ILGenerator IL { get; }

    /// <summary>The number format of the lanes.</summary>
    public ElementType Type { get; }

    /// <summary>The width of a vector.</summary>
    public SimdWidth Width { get; }

    /// <summary>Neighbouring vectors that are computed side by side.</summary>
    public int Parts { get; }

    /// <summary>The one of them whose instructions are being written.</summary>
    public int Part { get; private set; }

    /// <summary>Bytes in one element.</summary>
    public int ElementSize => Type == ElementType.Float32 ? 4 : 8;

    /// <summary>Elements in one vector; 1 in scalar mode.</summary>
    public int Lanes => Width == SimdWidth.Scalar ? 1 : (int)Width / 8 / ElementSize;

    /// <summary>The IL type of a lane, as Vector512&lt;float&gt;, or float in scalar mode.</summary>
    public Type LaneType => methods.Vector;

    /// <summary>The IL type of a mask: the lane's vector type, or int in scalar mode.</summary>
    public Type MaskType => IsScalar ? typeof(int) : methods.Vector;

    private bool IsScalar => Width == SimdWidth.Scalar;

    private bool IsSingle => Type == ElementType.Float32;

    /// <summary>The same number in every lane.</summary>
    public Lane Constant(double value) => FinishShared(value);

    /// <summary>
    /// Loads <see cref="Lanes"/> consecutive elements for each of <see cref="Parts"/> vectors from the address pushed by
    /// <paramref name="emitAddress"/>; it need not be aligned.
    /// </summary>
    public Lane LoadFrom(Action emitAddress) => Finish(new Formula(_ =>
    {
        PushAddress(emitAddress);
        IL.Emit(OpCodes.Unaligned, (byte)1);
        IL.Emit(OpCodes.Ldobj, LaneType);
    }));

    /// <summary>Loads one element from the address pushed by <paramref name="emitAddress"/> into every lane.</summary>
    public Lane BroadcastFrom(Action emitAddress) => FinishShared(new Formula(_ =>
    {
        emitAddress();
        LoadElement();
        if (!IsScalar) IL.Emit(OpCodes.Call, methods["Create"]);
    }));

    /// <summary>Stores what <see cref="LoadFrom"/> loads at the address pushed by <paramref name="emitAddress"/>; it need not be aligned.</summary>
    public void StoreTo(Action emitAddress, Lane v)
    {
        for (Part = 0; Part < Parts; Part++)
        {
            PushAddress(emitAddress);
            IL.Emit(OpCodes.Ldloc, v.Locals[Part]);
            IL.Emit(OpCodes.Unaligned, (byte)1);
            IL.Emit(OpCodes.Stobj, LaneType);
        }

        Part = 0;
    }

    /// <summary>A lane for a value carried round a loop, set to <paramref name="initial"/> here; change it with <see cref="Assign"/>.</summary>
    public Lane NewAccumulator(double initial)
    {
        var accumulator = new Lane(Declare(LaneType));
        foreach (LocalBuilder local in accumulator.Locals)
        {
            PushConstant(initial);
            IL.Emit(OpCodes.Stloc, local);
        }

        return accumulator;
    }

    /// <summary>Copies <paramref name="value"/> into <paramref name="target"/>.</summary>
    public void Assign(Lane target, Lane value)
    {
        for (int part = 0; part < Parts; part++)
        {
            IL.Emit(OpCodes.Ldloc, value.Locals[part]);
            IL.Emit(OpCodes.Stloc, target.Locals[part]);
        }
    }

    /// <summary>Gives a lane back, so that a later result may reuse its local variables; it must not be read afterwards.</summary>
    public void Release(Lane lane)
    {
        // Vectors that share a variable are not good for results that differ.
        if (Parts == 1 || lane.Locals[0] != lane.Locals[1]) freeNumbers.Push(lane.Locals);
    }

    /// <summary>Gives a mask back, so that a later result may reuse its local variables; it must not be read afterwards.</summary>
    public void Release(LaneMask mask) => freeMasks.Push(mask.Locals);

    /// <summary>Stores a formula in a temporary local so that it can be used many times until the current function ends.</summary>
    internal Formula Keep(Formula value) => new Lane(Keep(value, freeNumbers, LaneType));

    /// <summary>Stores a mask formula in a temporary local.</summary>
    internal MaskFormula Keep(MaskFormula value) => new LaneMask(Keep(value, freeMasks, MaskType));

    /// <summary>Stores an integer formula in a temporary local.</summary>
    internal BitsFormula Keep(BitsFormula value)
    {
        LocalBuilder[] locals = Keep(value, freeBits, methods.IntegerVector);
        return new BitsFormula(e => e.IL.Emit(OpCodes.Ldloc, locals[e.Part]), reusable: true);
    }

    internal void PushConstant(double value)
    {
        if (IsSingle) IL.Emit(OpCodes.Ldc_R4, (float)value);
        else IL.Emit(OpCodes.Ldc_R8, value);
        if (!IsScalar) IL.Emit(OpCodes.Call, methods["Create"]);
    }

    internal void PushBits(long value)
    {
        if (IsSingle) IL.Emit(OpCodes.Ldc_I4, (int)value);
        else IL.Emit(OpCodes.Ldc_I8, value);
        if (!IsScalar) IL.Emit(OpCodes.Call, methods["BitsCreate"]);
    }

    internal void Call(string operation, params Deferred[] arguments)
    {
        foreach (Deferred argument in arguments) argument.Push(this);
        if (!IsScalar || !EmitScalarOpcode(operation)) IL.Emit(OpCodes.Call, methods[operation]);
    }

    internal void CallShift(string operation, BitsFormula value, int count)
    {
        value.Push(this);
        IL.Emit(OpCodes.Ldc_I4, count);
        if (!IsScalar || !EmitScalarOpcode(operation)) IL.Emit(OpCodes.Call, methods[operation]);
    }

    /// <summary>Ends a public operation: computes its result into a lane of its own and frees the temporaries.</summary>
    private Lane Finish(Formula value) => new(Store(value, freeNumbers, LaneType, FreeTemporaries));

    private LaneMask Finish(MaskFormula value) => new(Store(value, freeMasks, MaskType, FreeTemporaries));

    /// <summary>The same for a value without temporaries that all vectors share.</summary>
    private Lane FinishShared(Formula value)
    {
        value.Push(this);
        LocalBuilder local = IL.DeclareLocal(LaneType);
        IL.Emit(OpCodes.Stloc, local);
        return new Lane([.. Enumerable.Repeat(local, Parts)]);
    }

    private void FreeTemporaries()
    {
        foreach ((Stack<LocalBuilder[]> pool, LocalBuilder[] locals) in kept) pool.Push(locals);
        kept.Clear();
    }

    private LocalBuilder[] Keep(Deferred value, Stack<LocalBuilder[]> pool, Type type)
    {
        LocalBuilder[] locals = Store(value, pool, type);
        kept.Add((pool, locals));
        return locals;
    }

    /// <summary>Writes the value of each vector into a variable. The variables may be those of temporaries that the value is the last to read.</summary>
    private LocalBuilder[] Store(Deferred value, Stack<LocalBuilder[]> pool, Type type, Action? whenRead = null)
    {
        value.Push(this);
        whenRead?.Invoke();
        LocalBuilder[] locals = pool.TryPop(out LocalBuilder[]? free) ? free : Declare(type);
        IL.Emit(OpCodes.Stloc, locals[0]);
        for (Part = 1; Part < Parts; Part++)
        {
            value.Push(this);
            IL.Emit(OpCodes.Stloc, locals[Part]);
        }

        Part = 0;
        return locals;
    }

    private LocalBuilder[] Declare(Type type) => [.. Enumerable.Range(0, Parts).Select(_ => IL.DeclareLocal(type))];

    private void PushAddress(Action emitAddress)
    {
        emitAddress();
        if (Part == 0) return;
        IL.Emit(OpCodes.Ldc_I4, Part * Lanes * ElementSize);
        IL.Emit(OpCodes.Conv_I);
        IL.Emit(OpCodes.Add);
    }

    private void LoadElement() => IL.Emit(IsSingle ? OpCodes.Ldind_R4 : OpCodes.Ldind_R8);

    /// <summary>Emits a scalar operation that IL itself knows; false where a method is needed.</summary>
    private bool EmitScalarOpcode(string operation)
    {
        OpCode[]? codes = operation switch
        {
            "Add" or "BitsAdd" => [OpCodes.Add],
            "Subtract" or "BitsSubtract" => [OpCodes.Sub],
            "Multiply" => [OpCodes.Mul],
            "Divide" => [OpCodes.Div],
            "Negate" => [OpCodes.Neg],
            "LessThan" => [OpCodes.Clt],
            // Not greater and not unordered.
            "LessThanOrEqual" => [OpCodes.Cgt_Un, OpCodes.Ldc_I4_0, OpCodes.Ceq],
            "Equals" => [OpCodes.Ceq],
            "MaskAnd" or "BitsAnd" => [OpCodes.And],
            "MaskOr" => [OpCodes.Or],
            "MaskNot" => [OpCodes.Ldc_I4_0, OpCodes.Ceq],
            "BitsXor" => [OpCodes.Xor],
            "BitsShiftLeft" => [OpCodes.Shl],
            "BitsShiftRight" => [OpCodes.Shr_Un],
            _ => null,
        };
        if (codes is null)
            return false;
        foreach (OpCode code in codes) IL.Emit(code);
        return true;
    }
}
