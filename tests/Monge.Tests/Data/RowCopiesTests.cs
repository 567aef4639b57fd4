using Monge.Data;

namespace Monge.Tests.Data;

/// <summary>Copies of rows, and what they do to errors.</summary>
public sealed class RowCopiesTests
{
    [Fact]
    public void Copies_are_found_to_the_bit_and_zeros_of_either_sign_are_alike()
    {
        var copies = RowCopies.Of([1, 0, 2, 3, 1, -0.0, 1, 1e-300, 2, 3], 2);
        Assert.Equal([0, 1, 0, 2, 1], copies.Groups.ToArray());
        Assert.Equal((5, 3, true), (copies.Rows, copies.Distinct, copies.Any));
        Assert.Equal([1, 0, 2, 3, 1, 1e-300], copies.Keep([1, 0, 2, 3, 1, -0.0, 1, 1e-300, 2, 3], 2));
        Assert.Equal(2, RowCopies.CountAmong([1, 0, 5, 5, 2, 3], [2, 3, 1, 0], 2));
    }

    [Fact]
    public void Twenty_copies_of_each_row_leave_the_error_of_the_mean_as_it_is()
    {
        double[] rows = [1, 4, -2, 0.5, 7, 3];
        double[] repeated = [.. Enumerable.Repeat(rows, 20).SelectMany(r => r)];
        var once = RowCopies.Of(rows, 1).ErrorOfMean(rows);
        var mean = rows.Average();
        Assert.Equal(Math.Sqrt(rows.Sum(v => (v - mean) * (v - mean)) / 5 / 6), once, 12);
        Assert.Equal(once, RowCopies.Of(repeated, 1).ErrorOfMean(repeated), 12);
        Assert.True(double.IsNaN(RowCopies.Of([3, 3, 3], 1).ErrorOfMean([2, 2, 2])));
    }
}
