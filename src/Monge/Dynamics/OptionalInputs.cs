using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;

namespace Monge.Dynamics;

/// <summary>Inputs that a program may lack because the traced field doesn't use them, such as the time of a field that is constant in time.</summary>
internal static class OptionalInputs
{
    /// <summary>Whether the program has an input of that name.</summary>
    public static bool Uses<T>(this CompiledProgram<T> program, string name)
        where T : unmanaged, IFloatingPointIeee754<T> => program.Program.Inputs.Any(input => input.Operation.Name == name);

    /// <summary>Binds an array if the program has an input of that name.</summary>
    public static void BindIfUsed<T>(this CompiledProgram<T> program, string name, NdArray<T> array)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (program.Uses(name))
        {
            program[name] = array;
        }
    }
}
