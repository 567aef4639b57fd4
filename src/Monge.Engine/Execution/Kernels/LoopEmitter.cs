using System.Reflection.Emit;

namespace Monge.Engine.Execution;

/// <summary>Pieces of IL that emitted kernels share.</summary>
internal static class LoopEmitter
{
    /// <summary>Emits a loop that runs at least once: the counter goes from 0 in steps until it reaches the end.</summary>
    public static void EmitLoop(this ILGenerator il, LocalBuilder counter, LocalBuilder end, int step, Action body)
    {
        var head = il.DefineLabel();
        il.Emit(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Stloc, counter);
        il.MarkLabel(head);
        body();
        il.Emit(OpCodes.Ldloc, counter);
        il.Emit(OpCodes.Ldc_I4, step);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Stloc, counter);
        il.Emit(OpCodes.Ldloc, counter);
        il.Emit(OpCodes.Ldloc, end);
        il.Emit(OpCodes.Blt, head);
    }

    /// <summary>Loads one entry of the kernel's table, its first argument, into a local variable.</summary>
    public static LocalBuilder EmitTableEntry(this ILGenerator il, int entry)
    {
        var local = il.DeclareLocal(typeof(nint));
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldc_I4, entry);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Sizeof, typeof(nint));
        il.Emit(OpCodes.Mul);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Ldind_I);
        il.Emit(OpCodes.Stloc, local);
        return local;
    }
}
