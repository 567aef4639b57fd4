using System.Reflection.Emit;

namespace Monge.Engine.Lanes;

/// <summary>
/// A value that is emitted where it is used: pushing it leaves it on the IL stack, so a polynomial needs no local
/// variables. A formula may be pushed once only for each of the vectors side by side, or its work would be emitted twice;
/// <see cref="LaneEmitter.Keep(Formula)"/> turns it into a reusable one.
/// </summary>
internal abstract class Deferred(Action<LaneEmitter> emit, bool reusable)
{
    private int pushed = -1;

    /// <summary>Emits the instructions that leave the value on the IL stack.</summary>
    public void Push(LaneEmitter emitter)
    {
        if (pushed == emitter.Part && !reusable)
            throw new InvalidOperationException("A formula was emitted twice; keep it in a local first.");
        pushed = emitter.Part;
        emit(emitter);
    }
}

/// <summary>A lane of numbers.</summary>
internal sealed class Formula(Action<LaneEmitter> emit, bool reusable = false) : Deferred(emit, reusable)
{
    public static implicit operator Formula(double value) => new(e => e.PushConstant(value), reusable: true);

    public static implicit operator Formula(Lane lane) => new(e => e.IL.Emit(OpCodes.Ldloc, lane.Locals[e.Part]), reusable: true);

    public static Formula operator +(Formula a, Formula b) => Of("Add", a, b);

    public static Formula operator -(Formula a, Formula b) => Of("Subtract", a, b);

    public static Formula operator *(Formula a, Formula b) => Of("Multiply", a, b);

    public static Formula operator /(Formula a, Formula b) => Of("Divide", a, b);

    public static Formula operator -(Formula a) => Of("Negate", a);

    public static MaskFormula operator <(Formula a, Formula b) => Compare("LessThan", a, b);

    public static MaskFormula operator >(Formula a, Formula b) => Compare("LessThan", b, a);

    public static MaskFormula operator <=(Formula a, Formula b) => Compare("LessThanOrEqual", a, b);

    public static MaskFormula operator >=(Formula a, Formula b) => Compare("LessThanOrEqual", b, a);

    /// <summary>Elementwise equality; false where either is NaN.</summary>
    public static MaskFormula Equal(Formula a, Formula b) => Compare("Equals", a, b);

    /// <summary>The named operation of the lane's instruction table on the arguments in order.</summary>
    public static Formula Of(string operation, params Formula[] arguments) => new(e => e.Call(operation, arguments));

    /// <summary>The bits of the number as a signed integer of the same size.</summary>
    public BitsFormula AsBits() => new(e => e.Call("AsBits", this));

    private static MaskFormula Compare(string operation, Formula a, Formula b) => new(e => e.Call(operation, a, b));
}

/// <summary>A lane of truth values.</summary>
internal sealed class MaskFormula(Action<LaneEmitter> emit, bool reusable = false) : Deferred(emit, reusable)
{
    public static implicit operator MaskFormula(LaneMask mask) => new(e => e.IL.Emit(OpCodes.Ldloc, mask.Locals[e.Part]), reusable: true);

    public static MaskFormula operator &(MaskFormula a, MaskFormula b) => new(e => e.Call("MaskAnd", a, b));

    public static MaskFormula operator |(MaskFormula a, MaskFormula b) => new(e => e.Call("MaskOr", a, b));

    public static MaskFormula operator !(MaskFormula a) => new(e => e.Call("MaskNot", a));
}

/// <summary>A lane of signed integers as wide as the lane's numbers.</summary>
internal sealed class BitsFormula(Action<LaneEmitter> emit, bool reusable = false) : Deferred(emit, reusable)
{
    public static BitsFormula operator +(BitsFormula a, BitsFormula b) => new(e => e.Call("BitsAdd", a, b));

    public static BitsFormula operator -(BitsFormula a, BitsFormula b) => new(e => e.Call("BitsSubtract", a, b));

    public static BitsFormula operator &(BitsFormula a, BitsFormula b) => new(e => e.Call("BitsAnd", a, b));

    public static BitsFormula operator ^(BitsFormula a, BitsFormula b) => new(e => e.Call("BitsXor", a, b));

    public static BitsFormula operator <<(BitsFormula a, int count) => new(e => e.CallShift("BitsShiftLeft", a, count));

    public static BitsFormula operator >>>(BitsFormula a, int count) => new(e => e.CallShift("BitsShiftRight", a, count));

    public static implicit operator BitsFormula(long value) => new(e => e.PushBits(value), reusable: true);

    /// <summary>The number that has these bits.</summary>
    public Formula AsNumber() => new(e => e.Call("AsNumber", this));
}
