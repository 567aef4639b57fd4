using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>Features of time for networks: t and cos, sin of k pi t for k = 1 to the number of frequencies.</summary>
public static class TimeFeatures
{
    /// <summary>Number of features for a number of frequencies.</summary>
    public static int Count(int frequencies) => 1 + (2 * frequencies);

    /// <summary>The features [Count(frequencies)] of a scalar time; uniform, and so computed once for all samples, when t is.</summary>
    public static Expr Of(Expr t, int frequencies)
    {
        var features = new Expr[Count(frequencies)];
        features[0] = t;
        for (var k = 1; k <= frequencies; k++)
        {
            features[(2 * k) - 1] = (k * Math.PI * t).Cos();
            features[2 * k] = (k * Math.PI * t).Sin();
        }

        return Expr.Vector(features);
    }
}
