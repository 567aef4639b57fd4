using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.Intrinsics;

namespace Monge.Engine.Lanes;

/// <summary>
/// The methods that carry out lane operations for one element type and width, found once by name. For vectors they are
/// the static methods of <see cref="Vector128"/>, <see cref="Vector256"/> and <see cref="Vector512"/>, for scalars those of
/// <see cref="Math"/> and <see cref="MathF"/>; the just-in-time compiler turns each into one or two instructions. Arithmetic
/// calls the operators, because methods as Vector512.Add only wrap them, and wrappers use up the compiler's budget for
/// inlining: a kernel of a hundred functions became ten times slower.
/// </summary>
internal sealed class LaneMethods
{
    private static readonly ConcurrentDictionary<(ElementType, SimdWidth), LaneMethods> Tables = new();
    private readonly ConcurrentDictionary<string, MethodInfo> methods = new();
    private readonly SimdWidth width;

    private LaneMethods(ElementType type, SimdWidth width)
    {
        this.width = width;
        Element = type == ElementType.Float32 ? typeof(float) : typeof(double);
        Integer = type == ElementType.Float32 ? typeof(int) : typeof(long);
        Vector = VectorOf(width, Element);
        IntegerVector = VectorOf(width, Integer);
    }

    /// <summary>float or double.</summary>
    public Type Element { get; }

    /// <summary>The integer of the same size: int or long.</summary>
    public Type Integer { get; }

    /// <summary>The type of a lane: a vector of elements, or the element in scalar mode.</summary>
    public Type Vector { get; }

    /// <summary>The type of a lane's bits: a vector of integers, or the integer in scalar mode.</summary>
    public Type IntegerVector { get; }

    /// <summary>The table for an element type and width.</summary>
    public static LaneMethods For(ElementType type, SimdWidth width) =>
        Tables.GetOrAdd((type, width), key => new LaneMethods(key.Item1, key.Item2));

    /// <summary>The method that carries out <paramref name="operation"/>.</summary>
    public MethodInfo this[string operation] => methods.GetOrAdd(operation, width == SimdWidth.Scalar ? FindScalar : FindVector);

    /// <summary>The vector type of a width, or the element itself in scalar mode.</summary>
    public static Type VectorOf(SimdWidth width, Type element) => width switch
    {
        SimdWidth.Scalar => element,
        SimdWidth.Bits128 => typeof(Vector128<>).MakeGenericType(element),
        SimdWidth.Bits256 => typeof(Vector256<>).MakeGenericType(element),
        _ => typeof(Vector512<>).MakeGenericType(element),
    };

    /// <summary>The static class with the operations of a vector width.</summary>
    public static Type HostOf(SimdWidth width) => width switch
    {
        SimdWidth.Bits128 => typeof(Vector128),
        SimdWidth.Bits256 => typeof(Vector256),
        SimdWidth.Bits512 => typeof(Vector512),
        _ => throw new ArgumentOutOfRangeException(nameof(width), width, "Scalar lanes have no vector operations."),
    };

    /// <summary>
    /// The public static method of <paramref name="host"/> with this name and exactly these parameter types, closed over
    /// <paramref name="typeArguments"/> where it is generic.
    /// </summary>
    public static MethodInfo Resolve(Type host, string name, Type[] typeArguments, params Type[] parameters)
    {
        foreach (MethodInfo candidate in host.GetMethods(BindingFlags.Public | BindingFlags.Static))
        {
            if (candidate.Name != name || candidate.GetParameters().Length != parameters.Length)
                continue;
            MethodInfo method = candidate;
            if (candidate.IsGenericMethodDefinition)
            {
                if (candidate.GetGenericArguments().Length != typeArguments.Length)
                    continue;
                method = candidate.MakeGenericMethod(typeArguments);
            }
            if (method.GetParameters().Select(p => p.ParameterType).SequenceEqual(parameters))
                return method;
        }
        throw new MissingMethodException(host.FullName, $"{name}({string.Join(", ", parameters.Select(p => p.Name))})");
    }

    private MethodInfo FindVector(string operation)
    {
        Type host = HostOf(width), v = Vector, b = IntegerVector;
        Type[] element = [Element];
        return operation switch
        {
            "Add" => Resolve(v, "op_Addition", [], v, v),
            "Subtract" => Resolve(v, "op_Subtraction", [], v, v),
            "Multiply" => Resolve(v, "op_Multiply", [], v, v),
            "Divide" => Resolve(v, "op_Division", [], v, v),
            "Negate" => Resolve(v, "op_UnaryNegation", [], v),
            "Abs" or "Sqrt" or "Floor" or "Round" => Resolve(host, operation, element, v),
            "MultiplyAddEstimate" => Resolve(host, operation, element, v, v, v),
            "Select" => Resolve(host, "ConditionalSelect", element, v, v, v),
            "MaskAnd" => Resolve(v, "op_BitwiseAnd", [], v, v),
            "MaskOr" => Resolve(v, "op_BitwiseOr", [], v, v),
            "MaskNot" => Resolve(v, "op_OnesComplement", [], v),
            "AsBits" => Resolve(host, "As", [Element, Integer], v),
            "AsNumber" => Resolve(host, "As", [Integer, Element], b),
            "BitsAdd" => Resolve(b, "op_Addition", [], b, b),
            "BitsSubtract" => Resolve(b, "op_Subtraction", [], b, b),
            "BitsAnd" => Resolve(b, "op_BitwiseAnd", [], b, b),
            "BitsXor" => Resolve(b, "op_ExclusiveOr", [], b, b),
            "BitsShiftLeft" => Resolve(b, "op_LeftShift", [], b, typeof(int)),
            "BitsShiftRight" => Resolve(b, "op_UnsignedRightShift", [], b, typeof(int)),
            "BitsCreate" => Resolve(host, "Create", [], Integer),
            "Create" => Resolve(host, "Create", [], Element),
            _ => Resolve(host, operation, element, v, v),
        };
    }

    private MethodInfo FindScalar(string operation)
    {
        Type math = Element == typeof(float) ? typeof(MathF) : typeof(Math);
        string name = Element == typeof(float) ? "Single" : "Double";
        string integerName = Element == typeof(float) ? "Int32" : "Int64";
        return operation switch
        {
            "Abs" or "Sqrt" or "Floor" or "Round" => Resolve(math, operation, [], Element),
            "Min" or "Max" or "CopySign" => Resolve(math, operation, [], Element, Element),
            "MinNative" or "MaxNative" => Resolve(Element, operation, [], Element, Element),
            "MultiplyAddEstimate" => Resolve(Element, operation, [], Element, Element, Element),
            "AsBits" => Resolve(typeof(BitConverter), $"{name}To{integerName}Bits", [], Element),
            "AsNumber" => Resolve(typeof(BitConverter), $"{integerName}BitsTo{name}", [], Integer),
            _ => throw new MissingMethodException(math.FullName, operation),
        };
    }
}
