using System.Reflection.Emit;

namespace Monge.Engine.Execution;

/// <summary>The IL idioms that the emitted matrix kernels share; the kernel's argument 1 points to <see cref="PanelArguments"/>.</summary>
/// <param name="il">Where to emit.</param>
internal sealed class KernelWriter(ILGenerator il)
{
    /// <summary>Where to emit.</summary>
    public ILGenerator IL { get; } = il;

    /// <summary>Emits and compiles a kernel.</summary>
    /// <param name="name">Its name in stack traces.</param>
    /// <param name="body">Emits the body.</param>
    /// <returns>The kernel.</returns>
    public static unsafe PanelKernel Compile(string name, Action<KernelWriter> body)
    {
        // The unused first parameter makes the delegate a closed one, whose call needs no argument shuffle.
        var method = new DynamicMethod(name, typeof(void), [typeof(object), typeof(PanelArguments*)], typeof(KernelWriter).Module, skipVisibility: true);
        body(new KernelWriter(method.GetILGenerator()));
        return method.CreateDelegate<PanelKernel>(new object());
    }

    /// <summary>Declares a local of the native integer type, for an address, a stride or a counter.</summary>
    /// <returns>The local.</returns>
    public LocalBuilder Integer() => IL.DeclareLocal(typeof(nint));

    /// <summary>Declares an integer local that holds a field of the arguments.</summary>
    /// <param name="field">Name of the field.</param>
    /// <returns>The local.</returns>
    public LocalBuilder Integer(string field)
    {
        LocalBuilder local = Integer();
        Assign(local, field);
        return local;
    }

    /// <summary>Sets a local to a field of the arguments.</summary>
    /// <param name="local">The local.</param>
    /// <param name="field">Name of the field.</param>
    public void Assign(LocalBuilder local, string field)
    {
        PushField(field);
        IL.Emit(OpCodes.Stloc, local);
    }

    /// <summary>Sets a local to another.</summary>
    /// <param name="local">The local.</param>
    /// <param name="value">The other.</param>
    public void Assign(LocalBuilder local, LocalBuilder value)
    {
        IL.Emit(OpCodes.Ldloc, value);
        IL.Emit(OpCodes.Stloc, local);
    }

    /// <summary>Pushes a field of the arguments.</summary>
    /// <param name="name">Name of the field.</param>
    public void PushField(string name)
    {
        IL.Emit(OpCodes.Ldarg_1);
        IL.Emit(OpCodes.Ldfld, typeof(PanelArguments).GetField(name)!);
    }

    /// <summary>Pushes pointer + offset.</summary>
    /// <param name="pointer">The pointer.</param>
    /// <param name="offset">Bytes.</param>
    public void PushAddress(LocalBuilder pointer, int offset)
    {
        IL.Emit(OpCodes.Ldloc, pointer);
        if (offset == 0) return;
        IL.Emit(OpCodes.Ldc_I4, offset);
        IL.Emit(OpCodes.Add);
    }

    /// <summary>pointer += stride.</summary>
    /// <param name="pointer">The pointer.</param>
    /// <param name="stride">Bytes.</param>
    public void Advance(LocalBuilder pointer, LocalBuilder stride)
    {
        IL.Emit(OpCodes.Ldloc, pointer);
        IL.Emit(OpCodes.Ldloc, stride);
        IL.Emit(OpCodes.Add);
        IL.Emit(OpCodes.Stloc, pointer);
    }

    /// <summary>Repeats the body until the counter has come down to 0; not at all when it starts there.</summary>
    /// <param name="counter">The counter.</param>
    /// <param name="body">Emits the body.</param>
    public void Repeat(LocalBuilder counter, Action body)
    {
        Label next = IL.DefineLabel();
        Label done = IL.DefineLabel();
        IL.Emit(OpCodes.Ldloc, counter);
        IL.Emit(OpCodes.Brfalse, done);
        IL.MarkLabel(next);
        body();
        IL.Emit(OpCodes.Ldloc, counter);
        IL.Emit(OpCodes.Ldc_I4_1);
        IL.Emit(OpCodes.Sub);
        IL.Emit(OpCodes.Stloc, counter);
        IL.Emit(OpCodes.Ldloc, counter);
        IL.Emit(OpCodes.Brtrue, next);
        IL.MarkLabel(done);
    }

    /// <summary>Emits the first branch when the arguments ask to accumulate, else the second.</summary>
    /// <param name="accumulate">Emits the first branch.</param>
    /// <param name="overwrite">Emits the second branch.</param>
    public void IfAccumulate(Action accumulate, Action overwrite)
    {
        Label otherwise = IL.DefineLabel();
        Label done = IL.DefineLabel();
        PushField(nameof(PanelArguments.Accumulate));
        IL.Emit(OpCodes.Brfalse, otherwise);
        accumulate();
        IL.Emit(OpCodes.Br, done);
        IL.MarkLabel(otherwise);
        overwrite();
        IL.MarkLabel(done);
    }
}
