using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.Intrinsics;

namespace Monge.Engine.Execution;

/// <summary>
/// The methods that carry out lane operations for one element type and width, found once by name. For vectors they are
/// the static methods of <see cref="Vector128"/>, <see cref="Vector256"/> and <see cref="Vector512"/>, for scalars those of
/// <see cref="Math"/> and <see cref="MathF"/>; the just-in-time compiler turns each into one or two instructions.
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
        Type[] element = [Element], integer = [Integer];
        return operation switch
        {
            "Negate" or "Abs" or "Sqrt" or "Floor" or "Round" => Resolve(host, operation, element, v),
            "MultiplyAddEstimate" => Resolve(host, operation, element, v, v, v),
            "Select" => Resolve(host, "ConditionalSelect", element, v, v, v),
            "MaskAnd" => Resolve(host, "BitwiseAnd", element, v, v),
            "MaskOr" => Resolve(host, "BitwiseOr", element, v, v),
            "MaskNot" => Resolve(host, "OnesComplement", element, v),
            "AsBits" => Resolve(host, "As", [Element, Integer], v),
            "AsNumber" => Resolve(host, "As", [Integer, Element], b),
            "BitsAdd" => Resolve(host, "Add", integer, b, b),
            "BitsSubtract" => Resolve(host, "Subtract", integer, b, b),
            "BitsAnd" => Resolve(host, "BitwiseAnd", integer, b, b),
            "BitsXor" => Resolve(host, "Xor", integer, b, b),
            "BitsShiftLeft" => Resolve(host, "ShiftLeft", integer, b, typeof(int)),
            "BitsShiftRight" => Resolve(host, "ShiftRightLogical", integer, b, typeof(int)),
            "BitsCreate" => Resolve(host, "Create", [], Integer),
            "Create" => Resolve(host, "Create", [], Element),
            "Load" => Resolve(host, "Load", element, Element.MakePointerType()),
            "Store" => Resolve(host, "Store", element, v, Element.MakePointerType()),
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
