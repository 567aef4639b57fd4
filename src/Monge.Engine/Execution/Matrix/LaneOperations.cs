using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Monge.Engine.Lanes;

namespace Monge.Engine.Execution;

/// <summary>
/// Writes the IL of the few vector operations that the matrix kernels are made of, for one element type and register
/// width. A vector moves to and from memory by <c>ldobj</c> and <c>stobj</c> with the unaligned prefix, which the JIT turns
/// into one unaligned move.
/// </summary>
internal sealed class LaneOperations
{
    private readonly ElementType _type;
    private readonly MethodInfo? _broadcast;
    private readonly MethodInfo? _fusedMultiplyAdd;
    private readonly MethodInfo? _multiply;
    private readonly MethodInfo? _add;
    private readonly MethodInfo? _sum;

    // From the full width down to 128 bits: lower half, upper half, and the sum of halves.
    private readonly Delegate[][] _halvings;

    private LaneOperations(ElementType type, Type vector, Delegate? broadcast, Delegate? fused, Delegate? multiply, Delegate? add, Delegate? sum)
    {
        _type = type;
        Vector = vector;
        _broadcast = broadcast?.Method;
        _fusedMultiplyAdd = fused?.Method;
        _multiply = multiply?.Method;
        _add = add?.Method;
        _sum = sum?.Method;
        _halvings = type == ElementType.Float32 ? Halvings<float>(vector) : Halvings<double>(vector);
    }

    /// <summary>The type of one register's content: a Vector128, 256 or 512, or the element itself.</summary>
    public Type Vector { get; }

    /// <summary>The operations of one element type and width.</summary>
    /// <param name="type">Element type.</param>
    /// <param name="width">Register width, supported by this machine.</param>
    /// <returns>The operations.</returns>
    public static LaneOperations Create(ElementType type, SimdWidth width) => type == ElementType.Float32 ? Float32(width) : Float64(width);

    /// <summary>Loads the vector at the address on the stack.</summary>
    /// <param name="il">Where to emit.</param>
    public void Load(ILGenerator il)
    {
        il.Emit(OpCodes.Unaligned, (byte)1);
        il.Emit(OpCodes.Ldobj, Vector);
    }

    /// <summary>Stores the vector on the stack at the address below it.</summary>
    /// <param name="il">Where to emit.</param>
    public void Store(ILGenerator il)
    {
        il.Emit(OpCodes.Unaligned, (byte)1);
        il.Emit(OpCodes.Stobj, Vector);
    }

    /// <summary>Replaces the address on the stack by the element there.</summary>
    /// <param name="il">Where to emit.</param>
    public void LoadElement(ILGenerator il) => il.Emit(_type == ElementType.Float32 ? OpCodes.Ldind_R4 : OpCodes.Ldind_R8);

    /// <summary>Stores the element on the stack at the address below it.</summary>
    /// <param name="il">Where to emit.</param>
    public void StoreElement(ILGenerator il) => il.Emit(_type == ElementType.Float32 ? OpCodes.Stind_R4 : OpCodes.Stind_R8);

    /// <summary>Fills a vector with the element on the stack.</summary>
    /// <param name="il">Where to emit.</param>
    public void Broadcast(ILGenerator il)
    {
        if (_broadcast is not null) il.Emit(OpCodes.Call, _broadcast);
    }

    /// <summary>Pushes a vector of zeros.</summary>
    /// <param name="il">Where to emit.</param>
    public void Zero(ILGenerator il)
    {
        if (_type == ElementType.Float32) il.Emit(OpCodes.Ldc_R4, 0f);
        else il.Emit(OpCodes.Ldc_R8, 0d);
        Broadcast(il);
    }

    /// <summary>
    /// Sets <paramref name="sum"/> to sum + left * right, where <paramref name="pushFactors"/> pushes left and right: one rounding
    /// where the hardware has a fused multiply-add, two elsewhere.
    /// </summary>
    /// <param name="il">Where to emit.</param>
    /// <param name="sum">The accumulator.</param>
    /// <param name="pushFactors">Emits the two factors.</param>
    public void MultiplyAdd(ILGenerator il, LocalBuilder sum, Action pushFactors)
    {
        if (_fusedMultiplyAdd is not null)
        {
            pushFactors();
            il.Emit(OpCodes.Ldloc, sum);
            il.Emit(OpCodes.Call, _fusedMultiplyAdd);
        }
        else
        {
            il.Emit(OpCodes.Ldloc, sum);
            pushFactors();
            if (_multiply is null) il.Emit(OpCodes.Mul);
            else il.Emit(OpCodes.Call, _multiply);
            Add(il);
        }

        il.Emit(OpCodes.Stloc, sum);
    }

    /// <summary>Adds the two vectors on the stack.</summary>
    /// <param name="il">Where to emit.</param>
    public void Add(ILGenerator il)
    {
        if (_add is null) il.Emit(OpCodes.Add);
        else il.Emit(OpCodes.Call, _add);
    }

    /// <summary>
    /// Replaces the vector on the stack by the sum of its elements: halves are added until 128 bits are left, which takes fewer
    /// shuffles than summing each half by itself.
    /// </summary>
    /// <param name="il">Where to emit.</param>
    public void Sum(ILGenerator il)
    {
        foreach (Delegate[] halving in _halvings)
        {
            LocalBuilder upper = il.DeclareLocal(halving[1].Method.ReturnType);
            il.Emit(OpCodes.Dup);
            il.Emit(OpCodes.Call, halving[1].Method);
            il.Emit(OpCodes.Stloc, upper);
            il.Emit(OpCodes.Call, halving[0].Method);
            il.Emit(OpCodes.Ldloc, upper);
            il.Emit(OpCodes.Call, halving[2].Method);
        }

        if (_sum is not null) il.Emit(OpCodes.Call, _sum);
    }

    private static Delegate[][] Halvings<T>(Type vector)
    {
        Delegate[] from512 = [(Func<Vector512<T>, Vector256<T>>)Vector512.GetLower, (Func<Vector512<T>, Vector256<T>>)Vector512.GetUpper,
            (Func<Vector256<T>, Vector256<T>, Vector256<T>>)Vector256.Add];
        Delegate[] from256 = [(Func<Vector256<T>, Vector128<T>>)Vector256.GetLower, (Func<Vector256<T>, Vector128<T>>)Vector256.GetUpper,
            (Func<Vector128<T>, Vector128<T>, Vector128<T>>)Vector128.Add];
        return vector == typeof(Vector512<T>) ? [from512, from256] : vector == typeof(Vector256<T>) ? [from256] : [];
    }

    private static bool HasFusedMultiplyAdd(SimdWidth width) => width switch
    {
        SimdWidth.Bits512 => Avx512F.IsSupported,
        _ => Fma.IsSupported || AdvSimd.Arm64.IsSupported,
    };

    private static LaneOperations Float32(SimdWidth width)
    {
        bool fused = HasFusedMultiplyAdd(width);
        return width switch
        {
            SimdWidth.Bits512 => new(
                ElementType.Float32, typeof(Vector512<float>), (Func<float, Vector512<float>>)Vector512.Create,
                fused ? (Func<Vector512<float>, Vector512<float>, Vector512<float>, Vector512<float>>)Vector512.FusedMultiplyAdd : null,
                (Func<Vector512<float>, Vector512<float>, Vector512<float>>)Vector512.Multiply,
                (Func<Vector512<float>, Vector512<float>, Vector512<float>>)Vector512.Add, (Func<Vector128<float>, float>)Vector128.Sum),
            SimdWidth.Bits256 => new(
                ElementType.Float32, typeof(Vector256<float>), (Func<float, Vector256<float>>)Vector256.Create,
                fused ? (Func<Vector256<float>, Vector256<float>, Vector256<float>, Vector256<float>>)Vector256.FusedMultiplyAdd : null,
                (Func<Vector256<float>, Vector256<float>, Vector256<float>>)Vector256.Multiply,
                (Func<Vector256<float>, Vector256<float>, Vector256<float>>)Vector256.Add, (Func<Vector128<float>, float>)Vector128.Sum),
            SimdWidth.Bits128 => new(
                ElementType.Float32, typeof(Vector128<float>), (Func<float, Vector128<float>>)Vector128.Create,
                fused ? (Func<Vector128<float>, Vector128<float>, Vector128<float>, Vector128<float>>)Vector128.FusedMultiplyAdd : null,
                (Func<Vector128<float>, Vector128<float>, Vector128<float>>)Vector128.Multiply,
                (Func<Vector128<float>, Vector128<float>, Vector128<float>>)Vector128.Add, (Func<Vector128<float>, float>)Vector128.Sum),
            _ => new(ElementType.Float32, typeof(float), null, fused ? (Func<float, float, float, float>)MathF.FusedMultiplyAdd : null, null, null, null),
        };
    }

    private static LaneOperations Float64(SimdWidth width)
    {
        bool fused = HasFusedMultiplyAdd(width);
        return width switch
        {
            SimdWidth.Bits512 => new(
                ElementType.Float64, typeof(Vector512<double>), (Func<double, Vector512<double>>)Vector512.Create,
                fused ? (Func<Vector512<double>, Vector512<double>, Vector512<double>, Vector512<double>>)Vector512.FusedMultiplyAdd : null,
                (Func<Vector512<double>, Vector512<double>, Vector512<double>>)Vector512.Multiply,
                (Func<Vector512<double>, Vector512<double>, Vector512<double>>)Vector512.Add, (Func<Vector128<double>, double>)Vector128.Sum),
            SimdWidth.Bits256 => new(
                ElementType.Float64, typeof(Vector256<double>), (Func<double, Vector256<double>>)Vector256.Create,
                fused ? (Func<Vector256<double>, Vector256<double>, Vector256<double>, Vector256<double>>)Vector256.FusedMultiplyAdd : null,
                (Func<Vector256<double>, Vector256<double>, Vector256<double>>)Vector256.Multiply,
                (Func<Vector256<double>, Vector256<double>, Vector256<double>>)Vector256.Add, (Func<Vector128<double>, double>)Vector128.Sum),
            SimdWidth.Bits128 => new(
                ElementType.Float64, typeof(Vector128<double>), (Func<double, Vector128<double>>)Vector128.Create,
                fused ? (Func<Vector128<double>, Vector128<double>, Vector128<double>, Vector128<double>>)Vector128.FusedMultiplyAdd : null,
                (Func<Vector128<double>, Vector128<double>, Vector128<double>>)Vector128.Multiply,
                (Func<Vector128<double>, Vector128<double>, Vector128<double>>)Vector128.Add, (Func<Vector128<double>, double>)Vector128.Sum),
            _ => new(ElementType.Float64, typeof(double), null, fused ? (Func<double, double, double, double>)Math.FusedMultiplyAdd : null, null, null, null),
        };
    }
}
