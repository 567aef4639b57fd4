using System.Reflection.Emit;
using Monge.Engine.Lanes;

namespace Monge.Engine.Tests.Lanes;

/// <summary>Arithmetic, comparisons, selection and sums of lanes in both precisions and all widths.</summary>
public sealed unsafe class LaneArithmeticTests
{
    // Pairs of numbers exact in float32, with every combination of order, sign, zero, infinity and NaN.
    private static readonly double[] Values = [0.0, -0.0, 1.0, -1.0, 0.75, -2.5, 3.0, double.PositiveInfinity, double.NegativeInfinity, double.NaN];
    private static readonly double[] First = (from a in Values from b in Values select a).ToArray();
    private static readonly double[] Second = (from a in Values from b in Values select b).ToArray();

    private static readonly Dictionary<string, (Func<LaneEmitter, Lane, Lane, Lane> Body, Func<double, double, double> Exact)> Operations = new()
    {
        ["add"] = ((e, a, b) => e.Add(a, b), (a, b) => a + b),
        ["subtract"] = ((e, a, b) => e.Subtract(a, b), (a, b) => a - b),
        ["multiply"] = ((e, a, b) => e.Multiply(a, b), (a, b) => a * b),
        ["multiply-add"] = ((e, a, b) => e.MultiplyAdd(a, b, e.Constant(0.5)), (a, b) => a * b + 0.5),
        ["min"] = ((e, a, b) => e.Min(a, b), Math.Min),
        ["max"] = ((e, a, b) => e.Max(a, b), Math.Max),
        ["copy sign"] = ((e, a, b) => e.CopySign(a, b), Math.CopySign),
        ["less"] = ((e, a, b) => e.ToNumber(e.Less(a, b)), (a, b) => a < b ? 1 : 0),
        ["less or equal"] = ((e, a, b) => e.ToNumber(e.LessOrEqual(a, b)), (a, b) => a <= b ? 1 : 0),
        ["equal"] = ((e, a, b) => e.ToNumber(e.Equal(a, b)), (a, b) => a == b ? 1 : 0),
        ["not equal"] = ((e, a, b) => e.ToNumber(e.NotEqual(a, b)), (a, b) => a != b ? 1 : 0),
        ["not less"] = ((e, a, b) => e.ToNumber(e.Not(e.Less(a, b))), (a, b) => !(a < b) ? 1 : 0),
        ["and"] = ((e, a, b) => e.ToNumber(e.And(e.Less(a, b), e.Less(a, e.Constant(0)))), (a, b) => a < b && a < 0 ? 1 : 0),
        ["or"] = ((e, a, b) => e.ToNumber(e.Or(e.Less(a, b), e.Less(a, e.Constant(0)))), (a, b) => a < b || a < 0 ? 1 : 0),
        ["select"] = ((e, a, b) => e.Select(e.Less(a, b), a, b), (a, b) => a < b ? a : b),
        ["reused mask"] = ((e, a, b) =>
        {
            LaneMask mask = e.Less(a, b);
            return e.Add(e.Select(mask, a, e.Constant(2.0)), e.Select(mask, e.Constant(4.0), b));
        }, (a, b) => a < b ? a + 4.0 : 2.0 + b),
    };

    public static TheoryData<string, string, int> Cases()
    {
        var cases = new TheoryData<string, string, int>();
        foreach (string name in Operations.Keys)
            foreach ((ElementType type, SimdWidth width) in Kinds())
                cases.Add(name, type.ToString(), (int)width);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void IsExactOnEveryKindOfNumber(string name, string typeName, int width)
    {
        var kernel = new LaneKernel(Enum.Parse<ElementType>(typeName), (SimdWidth)width, Operations[name].Body);
        double[] values = kernel.Run(First, Second);
        for (int i = 0; i < First.Length; i++)
        {
            double expected = Operations[name].Exact(First[i], Second[i]);
            Assert.True(expected.Equals(values[i]), $"{name}({First[i]}, {Second[i]}) is {values[i]}, not {expected}");
        }
    }

    [Fact]
    public void DivisionIsRoundedOnce()
    {
        foreach ((ElementType type, SimdWidth width) in Kinds())
        {
            double[] values = new LaneKernel(type, width, (e, a, b) => e.Divide(a, b)).Run(First, Second);
            for (int i = 0; i < First.Length; i++)
                Assert.Equal(type == ElementType.Float32 ? (float)First[i] / (float)Second[i] : First[i] / Second[i], values[i]);
        }
    }

    [Fact]
    public void BroadcastPutsOneElementIntoEveryLane()
    {
        double single = 1.25;
        float singleFloat = 1.25f;
        foreach ((ElementType type, SimdWidth width) in Kinds())
        {
            nint address = type == ElementType.Float32 ? (nint)(&singleFloat) : (nint)(&single);
            var kernel = new LaneKernel(type, width, (e, x) => e.Multiply(x, e.BroadcastFrom(() => e.IL.Emit(OpCodes.Ldc_I8, address))));
            Assert.Equal([1.25, 2.5, -5.0], kernel.Run([1.0, 2.0, -4.0]));
        }
    }

    [Fact]
    public void AReleasedLaneIsReusedWithoutHarm()
    {
        foreach ((ElementType type, SimdWidth width) in Kinds())
        {
            var kernel = new LaneKernel(type, width, (e, x) =>
            {
                Lane sum = e.Constant(0.0);
                for (int i = 1; i <= 3; i++)
                {
                    Lane scaled = e.Multiply(x, e.Constant(i));
                    Lane next = e.Add(sum, scaled);
                    e.Release(scaled);
                    e.Release(sum);
                    sum = next;
                }
                return sum;
            });
            Assert.Equal([6.0, 12.0, -3.0], kernel.Run([1.0, 2.0, -0.5]));
        }
    }

    [Fact]
    public void AFormulaEmittedTwiceIsRefused()
    {
        var method = new DynamicMethod("twice", typeof(void), [], typeof(LaneArithmeticTests).Module, true);
        var emitter = new LaneEmitter(method.GetILGenerator(), ElementType.Float32, SimdWidth.Scalar);
        Formula sum = (Formula)1.0 + 2.0;
        sum.Push(emitter);
        Assert.Throws<InvalidOperationException>(() => sum.Push(emitter));
    }

    [Fact]
    public void LanesFillTheWidth()
    {
        foreach ((ElementType type, SimdWidth width) in Kinds())
        {
            var emitter = new LaneEmitter(new DynamicMethod("none", typeof(void), []).GetILGenerator(), type, width);
            int bytes = width == SimdWidth.Scalar ? emitter.ElementSize : (int)width / 8;
            Assert.Equal(bytes, emitter.Lanes * emitter.ElementSize);
        }
        Assert.Equal(SimdWidth.Scalar, SimdWidths.Supported[0]);
        Assert.Contains(SimdWidths.Best, SimdWidths.Supported);
    }

    private static IEnumerable<(ElementType Type, SimdWidth Width)> Kinds() =>
        from type in Enum.GetValues<ElementType>() from width in SimdWidths.Supported select (type, width);
}
