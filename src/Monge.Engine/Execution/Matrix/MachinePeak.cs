using System.Diagnostics;
using System.Reflection.Emit;
using Monge.Engine.Lanes;

namespace Monge.Engine.Execution;

/// <summary>What one core of this machine can do at best.</summary>
public static unsafe class MachinePeak
{
    private const int Chains = 12;
    private const int BatchIterations = 20_000;
    private const int LargestVectorBytes = 64;

    private delegate void FmaLoop(nint iterations, byte* vector);

    /// <summary>
    /// Measures the multiply-add peak of the calling thread's core: twelve independent chains in registers of the widest kind, no
    /// memory traffic. The best of many short batches is taken, so other processes disturb it little.
    /// </summary>
    /// <param name="type">Element type.</param>
    /// <param name="seconds">How long to measure, in seconds; positive.</param>
    /// <returns>10^9 floating-point operations per second; a multiply-add counts as two.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="seconds"/> isn't positive and finite.</exception>
    public static double MeasureFmaGflops(ElementType type, double seconds)
    {
        if (!(seconds > 0) || double.IsInfinity(seconds))
            throw new ArgumentOutOfRangeException(
                nameof(seconds), seconds, "The measuring time must be positive and finite; give a number of seconds such as 0.2.");
        SimdWidth width = MatrixKernels.IsSupported(SimdWidth.Bits512) ? SimdWidth.Bits512
            : MatrixKernels.IsSupported(SimdWidth.Bits256) ? SimdWidth.Bits256
            : MatrixKernels.IsSupported(SimdWidth.Bits128) ? SimdWidth.Bits128 : SimdWidth.Scalar;
        double batchOperations = 2.0 * Chains * MatrixKernels.Get(type, width).Lanes * BatchIterations;
        FmaLoop loop = Emit(LaneOperations.Create(type, width));
        byte* vector = stackalloc byte[LargestVectorBytes];
        new Span<byte>(vector, LargestVectorBytes).Clear();

        long start = Stopwatch.GetTimestamp();
        double best = double.PositiveInfinity;
        do
        {
            long batch = Stopwatch.GetTimestamp();
            loop(BatchIterations, vector);
            best = Math.Min(best, Stopwatch.GetElapsedTime(batch).TotalSeconds);
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds);
        return batchOperations / best / 1e9;
    }

    // The factors come from memory and the sums go back there, so the loop can't be folded away.
    private static FmaLoop Emit(LaneOperations lanes)
    {
        var method = new DynamicMethod(
            "FmaPeak", typeof(void), [typeof(object), typeof(nint), typeof(byte*)], typeof(MachinePeak).Module, skipVisibility: true);
        ILGenerator il = method.GetILGenerator();
        LocalBuilder factor = il.DeclareLocal(lanes.Vector);
        il.Emit(OpCodes.Ldarg_2);
        lanes.Load(il);
        il.Emit(OpCodes.Stloc, factor);
        var sums = new LocalBuilder[Chains];
        for (int i = 0; i < Chains; i++)
        {
            sums[i] = il.DeclareLocal(lanes.Vector);
            il.Emit(OpCodes.Ldloc, factor);
            il.Emit(OpCodes.Stloc, sums[i]);
        }

        Label next = il.DefineLabel();
        il.MarkLabel(next);
        foreach (LocalBuilder sum in sums)
        {
            lanes.MultiplyAdd(il, sum, () =>
            {
                il.Emit(OpCodes.Ldloc, factor);
                il.Emit(OpCodes.Ldloc, factor);
            });
        }

        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Ldc_I4_1);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Starg_S, (byte)1);
        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Brtrue, next);

        il.Emit(OpCodes.Ldarg_2);
        il.Emit(OpCodes.Ldloc, sums[0]);
        for (int i = 1; i < Chains; i++)
        {
            il.Emit(OpCodes.Ldloc, sums[i]);
            lanes.Add(il);
        }

        lanes.Store(il);
        il.Emit(OpCodes.Ret);
        return method.CreateDelegate<FmaLoop>(new object());
    }
}
