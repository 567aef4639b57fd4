using System.Reflection.Emit;
using Monge.Engine.Lanes;

namespace Monge.Engine.Tests.Lanes;

/// <summary>A loop over arrays around one emitted lane function, for tests.</summary>
internal sealed unsafe class LaneKernel
{
    private delegate void Loop(nint first, nint second, nint output, int count);

    private readonly Loop loop;
    private readonly ElementType type;
    private readonly int lanes;

    public LaneKernel(ElementType type, SimdWidth width, Func<LaneEmitter, Lane, Lane> body)
        : this(type, width, (emitter, a, _) => body(emitter, a))
    {
    }

    public LaneKernel(ElementType type, SimdWidth width, Func<LaneEmitter, Lane, Lane, Lane> body)
    {
        this.type = type;
        var method = new DynamicMethod("lanes", typeof(void), [typeof(nint), typeof(nint), typeof(nint), typeof(int)], typeof(LaneKernel).Module, true);
        ILGenerator il = method.GetILGenerator();
        var emitter = new LaneEmitter(il, type, width);
        lanes = emitter.Lanes;
        LocalBuilder index = il.DeclareLocal(typeof(int));
        Label test = il.DefineLabel(), start = il.DefineLabel();
        il.Emit(OpCodes.Br, test);
        il.MarkLabel(start);
        Lane a = emitter.LoadFrom(() => PushAddress(0)), b = emitter.LoadFrom(() => PushAddress(1));
        emitter.StoreTo(() => PushAddress(2), body(emitter, a, b));
        il.Emit(OpCodes.Ldloc, index);
        il.Emit(OpCodes.Ldc_I4, lanes);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Stloc, index);
        il.MarkLabel(test);
        il.Emit(OpCodes.Ldloc, index);
        il.Emit(OpCodes.Ldarg_3);
        il.Emit(OpCodes.Blt, start);
        il.Emit(OpCodes.Ret);
        loop = method.CreateDelegate<Loop>();

        void PushAddress(int argument)
        {
            il.Emit(OpCodes.Ldarg, (short)argument);
            il.Emit(OpCodes.Ldloc, index);
            il.Emit(OpCodes.Conv_I);
            il.Emit(OpCodes.Ldc_I4, emitter.ElementSize);
            il.Emit(OpCodes.Mul);
            il.Emit(OpCodes.Add);
        }
    }

    /// <summary>The function's values; the inputs should be representable in the element type.</summary>
    public double[] Run(double[] first, double[]? second = null)
    {
        second ??= first;
        int padded = (first.Length + lanes - 1) / lanes * lanes;
        return type == ElementType.Float32
            ? Run(Array.ConvertAll(first, x => (float)x), Array.ConvertAll(second, x => (float)x), padded, first.Length, x => (double)x)
            : Run(first, second, padded, first.Length, x => x);
    }

    public void RunRaw(nint first, nint second, nint output, int count) => loop(first, second, output, count);

    private double[] Run<T>(T[] first, T[] second, int padded, int length, Converter<T, double> widen) where T : unmanaged
    {
        Array.Resize(ref first, padded);
        Array.Resize(ref second, padded);
        var output = new T[padded];
        fixed (T* a = first, b = second, o = output) loop((nint)a, (nint)b, (nint)o, padded);
        return Array.ConvertAll(output[..length], widen);
    }
}
